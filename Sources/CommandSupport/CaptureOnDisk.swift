import CaptureFile
import Decryption
import Expectations
import FoundationEssentials
import Glibc
import KernelBuilds
import LabRecords
import NetworkTypes

/// A capture file on the host.
package struct CaptureOnDisk {
    package let path: String

    /// - Throws: `CommandError` for a file that cannot be opened.
    package init(path: String) throws {
        guard access(path, R_OK) == 0 else {
            throw CommandError(
                message: "The capture file \(path) cannot be read: \(String(cString: strerror(errno))).",
                remedy: "Look at its path and permissions.")
        }
        self.path = path
    }

    /// Opens the file for one reading from its beginning.
    package func reading<Result>(_ body: (Int32) throws -> Result) throws -> Result {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandError(
                message: "\(path) cannot be opened: \(String(cString: strerror(errno))).",
                remedy: "Look at its path and permissions.")
        }
        defer { close(descriptor) }
        do {
            return try body(descriptor)
        } catch let error as CaptureFileError {
            throw CommandError(message: "\(path): \(error)", remedy: "capinfos(1) and Wireshark say more about it.")
        }
    }

    /// Copies the file, with a comment at each packet that is evidence of something wrong.
    package func annotate(to destination: String, with verdicts: [Verdict]) throws {
        var comments: [Int: [String]] = [:]
        for verdict in verdicts {
            for evidence in verdict.evidence {
                comments[evidence.packet, default: []].append(
                    "\(verdict.expectation): \(evidence.remark). Expected: \(verdict.expected)")
            }
        }
        let partial = "\(destination).\(getpid())"
        let descriptor: Int32
        do {
            descriptor = try PrivateFile.make(partial)
        } catch {
            throw CommandError(
                message: "\(partial) cannot be written: \(error).", remedy: "Look at the free space there.")
        }
        defer { close(descriptor) }
        _ = try reading { try CaptureFileAnnotator.copy(from: $0, to: descriptor, adding: comments) }
        rename(partial, destination)
    }
}

/// The directory of keys beside a capture: for this program, and as a configuration directory of Wireshark.
package struct KeyDirectory {
    package let path: String

    private static let associationsName = "associations.json"

    package init(path: String) {
        self.path = path
    }

    /// The directory of keys that belongs to a capture file; nil where there is none.
    package static func beside(_ file: String) -> String? {
        access("\(file).keys/\(associationsName)", R_OK) == 0 ? "\(file).keys" : nil
    }

    /// - Throws: `CommandError` for a directory without netlab's keys.
    package func associations() throws -> [TunnelAssociation] {
        do {
            return try JSONDecoder().decode(
                [TunnelAssociation].self, from: Data(try TextFile.read("\(path)/\(Self.associationsName)").utf8))
        } catch {
            throw CommandError(
                message: "There are no keys in \(path).",
                remedy: "`netlab capture --with-keys -w FILE` writes FILE.keys.")
        }
    }

    /// Removes the directory with the keys in it; what is not there is fine.
    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Makes the directory, for its owner only, and writes the keys in all forms.
    ///
    /// - Returns: What Wireshark cannot decrypt, in words.
    /// - Throws: `SetupError` where something of somebody else's is in its place.
    package func write(_ associations: [TunnelAssociation], ike: [IKEKeys]) throws -> [String] {
        try PrivateFile.makeDirectory(path)
        var seen: Set<UInt32> = []
        let unique = associations.map(\.association).filter { seen.insert($0.spi).inserted }
        let wireshark = WiresharkKeys(associations: unique, ike: ike)
        let own = String(decoding: try JSONEncoder().encode(associations), as: UTF8.self)
        for (name, text) in wireshark.files + [(Self.associationsName, own)] {
            try TextFile.write(text, to: "\(path)/\(name)")
        }
        return wireshark.unreadable.map { "SPI \($0.spi.hexadecimal) (\($0.encryption.name))" }
    }
}

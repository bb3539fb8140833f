import Imports
import LabFiles
import LabModel

/// What `netlab import` makes of users' files: a lab file that can be read, or an error.
enum ImportReading {
    private struct NoSuchFile: Error {}

    /// One file of a cloud's, Terraform's or AWS's for a device.
    static func cloud(_ bytes: [UInt8]) throws {
        try read([ImportFile(path: "input.json", text: String(decoding: bytes, as: UTF8.self))])
    }

    /// Two gateways' own files, with a line `---` between them.
    static func own(_ bytes: [UInt8]) throws {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n---\n", maxSplits: 1).map(String.init)
        try read(zip(["left/a.conf", "right/b.conf"], parts).map { ImportFile(path: $0, text: $1) })
    }

    private static func read(_ inputs: [ImportFile]) throws {
        let made: LabImport
        do {
            made = try LabImport(name: "imported", inputs: inputs) { _ in nil }
        } catch {
            try require(!error.message.isEmpty && !error.remedy.isEmpty, "an error says nothing")
            return try check(error.description)
        }
        let texts = made.files.reduce(into: [:]) { $0[$1.name] = $1.text }
        try require(texts.count == made.files.count, "two files have one name")
        try check(texts["lab.yaml"] ?? "")
        for note in made.notes { try check(note.text) }
        let file = LabFile(text: texts["lab.yaml"] ?? "", file: "lab.yaml") { name in
            guard let text = texts[name] else { throw NoSuchFile() }
            return text
        }
        let topology: Topology
        do {
            topology = try file.resolve().topology
        } catch {
            // What the inputs have need not fit together; that it is YAML with known keys is netlab's affair.
            for diagnostic in error.diagnostics {
                try require(
                    !diagnostic.message.contains("unknown key") && !diagnostic.message.contains("not YAML"),
                    "the lab file is not one: \(diagnostic)")
            }
            return
        }
        try require(topology.tunnels.count == made.tunnels, "a tunnel has gone astray")
    }

    private static func check(_ text: String) throws {
        try require(!text.unicodeScalars.contains("\u{1B}"), "there is an escape in \(text.debugDescription)")
    }
}

import CLinux
import CNetlink
import CNftables
import Glibc
import NetworkTypes
import Synchronization

/// The packet filter and NAT of one namespace, by libnftables (libnftables(3)).
///
/// Every command runs inside the namespace: the library opens sockets as it goes, and resolves interface names by the calling thread's
/// namespace. It also keeps interface names in a process-wide cache, so commands of all objects run one at a time.
public final class Nftables: Sendable {
    private let namespace: NetworkNamespace

    private static let library = Mutex<Void>(())

    /// The packet filter of a namespace; nothing is opened before it is used, for the library takes a megabyte each time.
    public init(in namespace: NetworkNamespace) {
        self.namespace = namespace
    }

    /// Carries out commands in the language of nft(8): all of them, or none.
    ///
    /// `include` is not safe with text from strangers: it reads files.
    ///
    /// - Throws: `NetlinkError`, whose `kernelMessage` is the library's own text, with the line that failed.
    public func apply(_ ruleset: String) throws {
        _ = try run(ruleset, "apply nftables ruleset")
    }

    /// The whole ruleset, as text that `apply(_:)` takes.
    ///
    /// - Throws: ``NetlinkError``.
    public func listRuleset() throws -> String {
        try run("list ruleset", "list nftables ruleset")
    }

    /// The whole ruleset with counters and handles, as JSON (libnftables-json(5)).
    ///
    /// - Throws: ``NetlinkError``.
    public func listRulesetAsJSON() throws -> String {
        try run("list ruleset", "list nftables ruleset", flags: UInt32(NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE))
    }

    /// Needs CAP_NET_ADMIN in the namespace.
    private func run(_ command: String, _ operation: String, flags: UInt32 = 0) throws -> String {
        let namespace = namespace
        return try DedicatedThread.run(leaving: {
            try namespace.enter()
            return try Self.library.withLock { _ in try Self.carryOut(command, operation, flags) }
        })
    }

    /// - Returns: The library's output, and what is to be done when nobody waits any more.
    private static func carryOut(
        _ command: String, _ operation: String, _ flags: UInt32
    ) throws -> (result: String, rest: @Sendable () -> Void) {
        // The library waits for its socket by select(2), which knows no descriptor above 1023; a large lab has thousands.
        guard netlab_own_descriptors() == 0 else { throw NetlinkError(errno: errno, operation: operation, object: "") }
        // It ends the process where it cannot open its socket: try first.
        _ = try Channel(family: Int32(NETLINK_NETFILTER))
        guard let created = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw NetlinkError(errno: ENOMEM, operation: operation, object: "")
        }
        nonisolated(unsafe) let context = created
        nft_ctx_buffer_output(context)
        nft_ctx_buffer_error(context)
        nft_ctx_output_set_flags(context, flags)
        let code: Int32
        do {
            code = try withFile(of: command, operation) { nft_run_cmd_from_filename(context, $0) }
        } catch {
            nft_ctx_free(context)
            throw error
        }
        let output = nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        let complaint = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
        // What a ruleset takes away is destroyed by work of the kernel's, which may begin a tick later, and whose end the closing of a
        // socket waits for (nf_tables_api.c, `nft_rcv_nl_event`). The rules hold by then; whoever changed them need not wait.
        if code == 0, command.contains("delete ") {
            return (output, { library.withLock { _ in nft_ctx_free(context) } })
        }
        nft_ctx_free(context)
        guard code == 0 else { throw error(complaint, operation) }
        return (output, {})
    }

    /// Puts the commands in a file in memory (memfd_create(2)): of files, unlike of strings, the library names the line that failed.
    private static func withFile(of text: String, _ operation: String, _ body: (String) -> Int32) throws -> Int32 {
        let descriptor = memfd_create(fileName, netlab_memfd_cloexec)
        guard descriptor >= 0 else { throw NetlinkError(errno: errno, operation: operation, object: "") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            throw NetlinkError(errno: errno, operation: operation, object: "")
        }
        return body("\(filesOfThread)\(descriptor)")
    }

    private static let fileName = "ruleset"
    private static let filesOfThread = "/proc/thread-self/fd/"

    /// The library has no error numbers, only their texts:
    /// `/proc/thread-self/fd/9:2:1-20: Error: Could not process rule: No such file or directory`, then the line, then a mark below it.
    private static func error(_ complaint: String, _ operation: String) -> NetlinkError {
        let lines = complaint.split(separator: "\n").map { line in
            guard line.hasPrefix(filesOfThread), let colon = line.firstIndex(of: ":") else { return String(line) }
            return fileName + line[colon...]
        }
        let first = lines.first ?? ""
        let code = (1..<134).first { first.hasSuffix(": " + String(cString: netlab_errno_text($0))) } ?? EINVAL
        let fields = first.split(separator: ":")
        let line = fields.count > 2 ? Int(fields[1]).map { "line \($0)" } : nil
        return NetlinkError(
            errno: code, operation: operation, object: line.map { "at \($0)" } ?? "",
            kernelMessage: lines.joined(separator: "\n"))
    }
}

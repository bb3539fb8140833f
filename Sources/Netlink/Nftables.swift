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
    public func listRuleset() throws -> String {
        try run("list ruleset", "list nftables ruleset")
    }

    /// The whole ruleset with counters and handles, as JSON (libnftables-json(5)).
    public func listRulesetAsJSON() throws -> String {
        try run("list ruleset", "list nftables ruleset", flags: UInt32(NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE))
    }

    /// Needs CAP_NET_ADMIN in the namespace.
    private func run(_ command: String, _ operation: String, flags: UInt32 = 0) throws -> String {
        try namespace.perform {
            try Self.library.withLock { _ in
                // The library ends the process where it cannot open its socket: try first.
                _ = try Channel(family: Int32(NETLINK_NETFILTER))
                guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
                    throw NetlinkError(errno: ENOMEM, operation: operation, object: "")
                }
                defer { Self.free(context, after: command) }
                nft_ctx_buffer_output(context)
                nft_ctx_buffer_error(context)
                nft_ctx_output_set_flags(context, flags)
                let code = try Self.withFile(of: command, operation) { nft_run_cmd_from_filename(context, $0) }
                let output = nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
                let complaint = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
                guard code == 0 else { throw Self.error(complaint, operation) }
                return output
            }
        }
    }

    /// Frees the library's context, and with it its socket.
    ///
    /// What a ruleset takes away is destroyed by work of the kernel's, which may begin a tick later, and whose end the closing of a socket
    /// waits for (nf_tables_api.c, `nft_rcv_nl_event`). The rules hold by then; whoever changed them need not wait.
    private static func free(_ context: OpaquePointer, after command: String) {
        nonisolated(unsafe) let context = context
        let takesAway = command.contains("delete ")
        if !takesAway || (try? DedicatedThread.start { library.withLock { _ in nft_ctx_free(context) } }) == nil {
            nft_ctx_free(context)
        }
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
        return body("/proc/self/fd/\(descriptor)")
    }

    private static let fileName = "ruleset"

    /// The library has no error numbers, only their texts:
    /// `/proc/self/fd/9:2:1-20: Error: Could not process rule: No such file or directory`, then the line, then a mark below it.
    private static func error(_ complaint: String, _ operation: String) -> NetlinkError {
        let lines = complaint.split(separator: "\n").map { line in
            guard line.hasPrefix("/proc/self/fd/"), let colon = line.firstIndex(of: ":") else { return String(line) }
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

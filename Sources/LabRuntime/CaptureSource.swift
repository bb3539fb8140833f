import Netlink
import NetworkTypes
import PacketCapture
import PacketFormats
import Synchronization

/// A capture of an interface that may go and come again under the same name, as that of a tunnel does when its node starts anew.
final class CaptureSource: Sendable {
    private struct State {
        var capture: PacketCapture
        /// Of those before it.
        var past = PacketCapture.Statistics(received: 0, dropped: 0)
    }

    private let namespace: NetworkNamespace
    private let open: @Sendable () throws -> PacketCapture
    private let state: Mutex<State>
    let linkType: LinkType
    let snapshotLength: Int

    /// - Parameter open: Begins to capture what has the interface's name now.
    /// - Throws: What `open` throws.
    init(in namespace: NetworkNamespace, open: @escaping @Sendable () throws -> PacketCapture) throws {
        self.namespace = namespace
        self.open = open
        let capture = try open()
        (linkType, snapshotLength) = (capture.linkType, capture.snapshotLength)
        state = Mutex(State(capture: capture))
    }

    private var capture: PacketCapture { state.withLock(\.capture) }

    /// Changes with ``reopen()``.
    var descriptor: Int32 { capture.descriptor }

    func drain(_ body: (_ timestamp: UInt64, _ originalLength: Int, _ bytes: RawSpan) throws -> Void) throws {
        try capture.drain(body)
    }

    /// What tells of the interface's return.
    func watch() throws -> NetlinkMonitor { try NetlinkMonitor(in: namespace, for: [.links]) }

    /// Goes on with the interface that has the name now; false where there is none yet, or another kind.
    func reopen() -> Bool {
        guard let new = try? open(), new.linkType == linkType else { return false }
        state.withLock { state in
            if let counts = try? state.capture.statistics() {
                state.past = PacketCapture.Statistics(
                    received: state.past.received + counts.received, dropped: state.past.dropped + counts.dropped)
            }
            state.capture.close()
            state.capture = new
        }
        return true
    }

    /// Of the capture from its beginning on.
    func statistics() throws -> PacketCapture.Statistics {
        let (past, present) = try state.withLock { ($0.past, try $0.capture.statistics()) }
        return PacketCapture.Statistics(
            received: past.received + present.received, dropped: past.dropped + present.dropped)
    }

    func close() { capture.close() }
}

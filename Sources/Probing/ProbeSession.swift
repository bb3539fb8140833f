import AgentProtocol
import CLinux
import Glibc
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime

/// Ends a probe's waiting from another thread.
public final class Cancellation: Sendable {
    public let descriptor: Int32

    /// Opens it.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public init() throws {
        descriptor = netlab_eventfd()
        guard descriptor >= 0 else {
            throw LabFailure("A probe cannot be started: \(String(cString: strerror(errno))).")
        }
    }

    deinit {
        close(descriptor)
    }

    public func cancel() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }
}

/// What every probe needs: who asks whom, from which address, and a way to wait. Lives on one thread.
public final class ProbeSession {
    public let request: ProbeRequest
    let id: UInt64
    let node: NodeSandbox
    /// The node behind the destination; nil where the lab has none.
    let destinationNode: NodeSandbox?
    let startedAt = LabClock.now
    /// The address to send from; the unspecified one where no route gave any.
    let source: IPAddress
    /// Why the node cannot send there; nil where it can.
    let routeError: LocalError?
    /// Of the interface that the route leads out at; nil without a route.
    let interfaceMTU: Int?
    private let cancellation: Cancellation

    public init(
        _ request: ProbeRequest, id: UInt64, from node: NodeSandbox, to destinationNode: NodeSandbox?,
        _ cancellation: Cancellation
    ) {
        self.request = request
        self.id = id
        self.node = node
        self.destinationNode = destinationNode
        self.cancellation = cancellation
        do {
            // A borrowed source address has no say in the way out: the route is the node's own.
            let bound = request.mayBorrowSource ? nil : request.sourceAddress
            let route = try node.sockets.lookup(destination: request.destination, source: bound)
            interfaceMTU = try route.interface.flatMap { try node.sockets.linkIfPresent(named: $0) }?.mtu
            source = request.sourceAddress ?? route.preferredSource ?? request.destination.unspecified
            routeError = nil
        } catch {
            interfaceMTU = nil
            source = request.sourceAddress ?? request.destination.unspecified
            routeError = (error as? NetlinkError).map { LocalError(errno: $0.errno) } ?? LocalError(errno: ENETUNREACH)
        }
    }

    public var destination: IPAddress { request.destination }
    /// Tells this probe's echoes from others'.
    var identifier: UInt16 { Self.identifier(of: id) }

    static func identifier(of id: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: id) &+ 0x4E4C }

    public func result(_ outcome: ProbeResult.Outcome) -> ProbeResult {
        ProbeResult(
            id: id, source: node.name, sourceAddress: source.isUnspecified ? nil : source, destination: destination,
            destinationNode: destinationNode?.name, startedAtNanoseconds: startedAt.nanoseconds, outcome: outcome)
    }

    /// Waits until a descriptor can be read, or until a time.
    ///
    /// - Throws: `CancellationError`.
    func wait(for descriptors: [Int32], until deadline: LabTime) throws {
        let rest = max(.zero, deadline - LabClock.now).wholeNanoseconds
        _ = netlab_wait_readable(descriptors + [cancellation.descriptor], Int32(descriptors.count + 1), rest)
        try checkCancellation()
    }

    /// Waits for any of some events, or until a time, which may pass by up to a millisecond.
    ///
    /// - Returns: What has happened, in the order asked for; all empty when the time is over.
    /// - Throws: `CancellationError`.
    func wait(for events: [(descriptor: Int32, events: Int32)], until deadline: LabTime) throws -> [Int32] {
        var polls = (events + [(cancellation.descriptor, POLLIN)]).map {
            pollfd(fd: $0.descriptor, events: Int16(truncatingIfNeeded: $0.events), revents: 0)
        }
        let rest = max(.zero, deadline - LabClock.now).wholeNanoseconds
        poll(&polls, nfds_t(polls.count), Int32(clamping: rest / 1_000_000 + (rest % 1_000_000 == 0 ? 0 : 1)))
        try checkCancellation()
        return polls.dropLast().map { Int32($0.revents) }
    }

    private func checkCancellation() throws {
        if netlab_wait_readable([cancellation.descriptor], 1, 0) > 0 { throw CancellationError() }
    }
}

extension ProbeRequest {
    /// Whether the source address may be one that is not the node's own.
    var mayBorrowSource: Bool {
        if case .packet = kind { true } else { false }
    }
}

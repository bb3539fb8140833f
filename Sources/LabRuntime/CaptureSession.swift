import AgentProtocol
import CLinux
import CaptureFile
import Glibc
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime
import PacketCapture
import Synchronization

/// Captures at several places of a lab into one file, in the order of the lab's clock.
///
/// A thread of its own waits for packets. As processing takes no time on the lab's clock, it has written all packets of a
/// moment before the next one comes.
final class CaptureSession: Sendable {
    private let request: CaptureRequest
    private let points: [Point]
    /// The places asked for that were down.
    private let down: [String]
    private let path: String
    private let watch: Mutex<AssociationWatch?>
    private let ikeWatch: IKEKeyWatch?
    /// Written to when the capture shall end.
    private let stop: Int32
    private let pace: CaptureRecorder.Pace
    private let recording: Task<Void, any Error>
    /// Ends with the recording.
    private let recorded: AsyncStream<Never>

    /// One interface, one direction.
    struct Point: Sendable {
        let name: String
        let capture: CaptureSource
        let direction: CaptureDirection
        /// Its number in the file.
        let interface: Int
    }

    /// Opens all captures and the file, and begins.
    ///
    /// - Parameter ikeWatch: Has begun for this capture, which ends it.
    /// - Throws: ``LabFailure``, `CaptureError` for a filter or an interface that cannot be used; nothing is left open.
    init(
        _ request: CaptureRequest, points: [(CaptureRequest.Point, NodeSandbox)], lab: String, watch: AssociationWatch?,
        ikeWatch: IKEKeyWatch?, file: String, report: @escaping @Sendable (Int) -> Void
    ) throws {
        self.request = request
        path = file
        self.watch = Mutex(watch)
        self.ikeWatch = ikeWatch
        var opened: [Point] = []
        var interfaces: [CaptureInterface] = []
        var down: [String] = []
        for (place, sandbox) in points {
            guard let link = try sandbox.sockets.linkIfPresent(named: place.interface) else {
                throw LabFailure(
                    "\(place.node) has no interface \(place.interface) at present.",
                    remedy: "`netlab status` lists its interfaces.", code: .wrongInput)
            }
            // What is down carries nothing, and must not keep one from seeing what others do instead.
            guard link.isUp else {
                down.append(place.name)
                continue
            }
            for direction in place.direction == .both ? [PacketCapture.Direction.inbound, .outbound] : [.outbound] {
                let capture = try CaptureSource(in: sandbox.network) {
                    try PacketCapture(
                        on: place.interface, in: sandbox.network, direction: direction, filter: request.filter ?? "",
                        snapshotLength: request.snapLength, ringSize: request.ringBytes)
                }
                opened.append(
                    Point(
                        name: place.name, capture: capture, direction: direction == .inbound ? .inbound : .outbound,
                        interface: interfaces.count))
                guard direction == .outbound else { continue }
                interfaces.append(
                    CaptureInterface(
                        name: place.name, linkType: capture.linkType, snapshotLength: capture.snapshotLength,
                        mtu: MTU(link.mtu),
                        filter: request.filter))
            }
        }
        guard !opened.isEmpty else {
            throw LabFailure(
                "There is nothing to capture: \(down.joined(separator: ", ")) \(down.count == 1 ? "is" : "are") down.",
                remedy: "Set it up first: ip link set INTERFACE up, in the node.", code: .wrongInput)
        }
        self.points = opened
        self.down = down
        let pace = try CaptureRecorder.Pace(gathering: request.gathering)
        self.pace = pace
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        stop = netlab_eventfd()
        guard descriptor >= 0, stop >= 0 else {
            throw LabFailure("The capture file \(file) cannot be written: \(String(cString: strerror(errno))).")
        }
        let (places, described, stop) = (self.points, interfaces, self.stop)
        let (recorded, ending) = AsyncStream.makeStream(of: Never.self)
        self.recorded = recorded
        recording = Task {
            defer { ending.finish() }
            try await offThread {
                defer { close(descriptor) }
                do {
                    var recorder = try CaptureRecorder(
                        points: places, interfaces: described, descriptor: descriptor, lab: lab,
                        pace: pace, report: report)
                    try recorder.run(until: stop)
                } catch let error as CaptureFileError where error.code == .unwritable {
                    throw LabFailure(
                        "\(error).",
                        remedy:
                            "Make room where the lab's logs are, or set XDG_STATE_HOME to a directory on another file system.",
                        code: .machineLacks)
                }
            }
        }
    }

    deinit {
        close(stop)
    }

    /// Gathers packets for so long before they are written, from now on.
    func gather(for duration: Duration) { pace.gather(for: duration) }

    /// Ends a capture that nobody asks for any more, and removes its file.
    func abandon() async {
        _ = try? await finish()
        unlink(path)
    }

    /// Waits until the request's duration is over, its input ends, or the recording goes wrong.
    func untilEnd(of input: AsyncStream<ExecInput>) async {
        let (duration, recorded) = (request.duration, recorded)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await item in input where item == .endOfFile { return }
                // Input that just stops belongs to a command that is gone: the request is cancelled.
            }
            group.addTask { for await _ in recorded {} }
            if let duration { group.addTask { try? await LabSleep.wait(for: duration) } }
            await group.next()
            group.cancelAll()
        }
    }

    /// Ends the capture and tells what came of it; a task that was cancelled waits for that, too.
    ///
    /// - Throws: `CaptureFileError` where the file could not be written; `CaptureError`; ``LabFailure``.
    func finish() async throws -> CaptureSummary {
        var one: UInt64 = 1
        _ = Glibc.write(stop, &one, 8)
        // Before anything can fail: no keys are to stay in a log.
        let ike = try await ikeWatch?.end()
        try await recording.value
        var counts: [CaptureSummary.Point] = []
        for point in points {
            let statistics = try point.capture.statistics()
            point.capture.close()
            let (received, dropped) = (Int(clamping: statistics.received), Int(clamping: statistics.dropped))
            if let last = counts.indices.last, counts[last].name == point.name {
                counts[last] = .init(
                    name: point.name, received: counts[last].received + received,
                    dropped: counts[last].dropped + dropped)
            } else {
                counts.append(.init(name: point.name, received: received, dropped: dropped))
            }
        }
        let associations = try watch.withLock { try $0?.finish() ?? [] }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return CaptureSummary(
            file: name, points: counts, down: down, associations: associations, ikeKeys: ike?.keys ?? [],
            unusableIKE: ike?.unusable ?? 0)
    }
}

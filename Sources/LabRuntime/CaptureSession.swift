import AgentProtocol
import CLinux
import CaptureFile
import Expectations
import Glibc
import Netlink
import NetworkTypes
import PacketCapture
import Synchronization

/// Captures at several places of a lab into one file, in the order of the lab's clock.
///
/// A thread of its own waits for packets. As processing takes no time on the lab's clock, it has written all packets of a
/// moment before the next one comes.
final class CaptureSession: Sendable {
    private let request: CaptureRequest
    private let points: [Point]
    private let path: String
    private let watch: Mutex<AssociationWatch?>
    /// Written to when the capture shall end.
    private let stop: Int32
    private let finished: AsyncStream<Result<Void, any Error>>

    /// One interface, one direction.
    private struct Point: Sendable {
        let name: String
        let capture: PacketCapture
        let direction: CaptureDirection
        /// Its number in the file.
        let interface: Int
    }

    /// Opens all captures and the file, and begins.
    ///
    /// - Throws: ``LabFailure``, `CaptureError` for a filter or an interface that cannot be used; nothing is left open.
    init(
        _ request: CaptureRequest, points: [(CaptureRequest.Point, NodeSandbox)], lab: String, watch: AssociationWatch?, file: String,
        report: @escaping @Sendable (Int) -> Void
    ) throws {
        self.request = request
        path = file
        self.watch = Mutex(watch)
        var opened: [Point] = []
        var interfaces: [CaptureInterface] = []
        for (place, sandbox) in points {
            guard let link = try sandbox.sockets.links().first(where: { $0.name == place.interface }) else {
                throw LabFailure("\(place.node) has no interface \(place.interface) at present.", remedy: "`netlab status` lists its interfaces.", exitCode: 2)
            }
            for direction in place.direction == .both ? [PacketCapture.Direction.inbound, .outbound] : [.outbound] {
                let capture = try PacketCapture(
                    on: place.interface, in: sandbox.network, direction: direction, filter: request.filter ?? "",
                    snapshotLength: request.snapLength, ringSize: request.ringBytes)
                opened.append(
                    Point(
                        name: place.name, capture: capture, direction: direction == .inbound ? .inbound : .outbound,
                        interface: interfaces.count))
                guard direction == .outbound else { continue }
                interfaces.append(
                    CaptureInterface(
                        name: place.name, linkType: capture.linkType, snapshotLength: capture.snapshotLength, mtu: MTU(link.mtu),
                        filter: request.filter))
            }
        }
        self.points = opened
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        stop = netlab_eventfd()
        guard descriptor >= 0, stop >= 0 else {
            throw LabFailure("The capture file \(file) cannot be written: \(String(cString: strerror(errno))).")
        }
        let (finished, continuation) = AsyncStream.makeStream(of: Result<Void, any Error>.self)
        self.finished = finished
        let (places, described, stop) = (self.points, interfaces, self.stop)
        Task {
            do {
                try await offThread {
                    defer { close(descriptor) }
                    var recorder = try Recorder(points: places, interfaces: described, descriptor: descriptor, lab: lab, report: report)
                    try recorder.run(until: stop)
                }
                continuation.yield(.success(()))
            } catch {
                continuation.yield(.failure(error))
            }
            continuation.finish()
        }
    }

    deinit {
        close(stop)
    }

    /// Waits until the request's duration is over, or its input ends.
    func untilEnd(of input: AsyncStream<ExecInput>) async {
        let duration = request.duration
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await item in input where item == .endOfFile { return }
                // Input that just stops belongs to a command that is gone: the request is cancelled.
            }
            if let duration { group.addTask { try? await Task.sleep(for: duration) } }
            await group.next()
            group.cancelAll()
        }
    }

    /// Ends the capture and tells what came of it.
    ///
    /// - Throws: `CaptureFileError` where the file could not be written; `CaptureError`.
    func finish() async throws -> CaptureSummary {
        var one: UInt64 = 1
        _ = Glibc.write(stop, &one, 8)
        for await result in finished { try result.get() }
        var counts: [CaptureSummary.Point] = []
        for point in points {
            let statistics = try point.capture.statistics()
            point.capture.close()
            let (received, dropped) = (Int(clamping: statistics.received), Int(clamping: statistics.dropped))
            if let last = counts.indices.last, counts[last].name == point.name {
                counts[last] = .init(name: point.name, received: counts[last].received + received, dropped: counts[last].dropped + dropped)
            } else {
                counts.append(.init(name: point.name, received: received, dropped: dropped))
            }
        }
        let associations = try watch.withLock { try $0?.finish() ?? [] }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return CaptureSummary(file: name, points: counts, associations: associations)
    }

    // MARK: The thread that records

    private struct Recorder: ~Copyable {
        private struct Waiting {
            let timestamp: UInt64
            let point: Int
            let originalLength: Int
            let bytes: Range<Int>
        }

        private let points: [Point]
        private let descriptor: Int32
        private let report: @Sendable (Int) -> Void
        private var writer: CaptureFileWriter
        private let start = ControlLine.now
        private var batch: [Waiting] = []
        private var bytes: [UInt8] = []
        /// Those whose interface is gone, which would be readable for ever.
        private var gone: Set<Int> = []
        private var unreported = 0
        private var nextReport: LabTime?

        /// The host is told of new packets this late, or when there is this much.
        private static let delay = Duration.milliseconds(50)
        private static let amount = 4 << 20

        init(
            points: [Point], interfaces: [CaptureInterface], descriptor: Int32, lab: String, report: @escaping @Sendable (Int) -> Void
        ) throws {
            self.points = points
            self.descriptor = descriptor
            self.report = report
            var writer = try CaptureFileWriter(descriptor: descriptor, comment: "netlab \(lab); times are the lab's, from its start")
            for interface in interfaces { _ = try writer.add(interface) }
            self.writer = writer
        }

        mutating func run(until stop: Int32) throws {
            try tell()
            while true {
                let live = points.indices.filter { !gone.contains($0) }
                let descriptors = [stop] + live.map { points[$0].capture.descriptor }
                let rest = nextReport.map { max(0, ($0 - ControlLine.now).wholeNanoseconds) } ?? -1
                _ = netlab_wait_readable(descriptors, Int32(descriptors.count), rest)
                try record()
                if unreported >= Self.amount || nextReport.map({ $0 <= ControlLine.now }) ?? false { try tell() }
                if netlab_wait_readable([stop], 1, 0) > 0 { break }
            }
            try record()
            let end = ControlLine.now
            for (number, direction) in Dictionary(grouping: points, by: \.interface).sorted(by: { $0.key < $1.key }) {
                let counts = try direction.map { try $0.capture.statistics() }
                try writer.write(
                    CaptureStatistics(
                        start: UInt64(start.nanoseconds), end: UInt64(end.nanoseconds), received: counts.reduce(0) { $0 + $1.received },
                        droppedBySystem: counts.reduce(0) { $0 + $1.dropped }), interface: number, timestamp: UInt64(end.nanoseconds))
            }
            try tell()
        }

        /// Writes all packets that wait, in the order of their times.
        private mutating func record() throws {
            batch.removeAll(keepingCapacity: true)
            bytes.removeAll(keepingCapacity: true)
            for number in points.indices where !gone.contains(number) {
                do {
                    try points[number].capture.drain { timestamp, originalLength, packet in
                        let from = bytes.count
                        packet.withUnsafeBytes { bytes.append(contentsOf: $0) }
                        batch.append(
                            Waiting(timestamp: timestamp, point: number, originalLength: originalLength, bytes: from..<bytes.count))
                    }
                } catch let error as CaptureError where error.code == .failed {
                    gone.insert(number)
                }
            }
            guard !batch.isEmpty else { return }
            batch.sort { ($0.timestamp, $0.point) < ($1.timestamp, $1.point) }
            let kept = bytes
            for packet in batch {
                let point = points[packet.point]
                try writer.write(
                    kept.span.bytes.extracting(packet.bytes), interface: point.interface, timestamp: packet.timestamp,
                    originalLength: packet.originalLength, direction: point.direction)
            }
            unreported += bytes.count
            if nextReport == nil { nextReport = ControlLine.now + Self.delay }
        }

        /// Lets the host read what there is, and says how much.
        private mutating func tell() throws {
            try writer.flush()
            _ = netlab_write_back(descriptor)
            report(Int(lseek(descriptor, 0, SEEK_CUR)))
            unreported = 0
            nextReport = nil
        }
    }
}

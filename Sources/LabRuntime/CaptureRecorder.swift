import AgentProtocol
import CLinux
import CaptureFile
import Glibc
import Netlink
import NetworkTypes
import NodeRuntime
import PacketCapture
import Synchronization

/// Writes what several captures bring into one file, on a thread of its own.
///
/// Packets are gathered for a moment before they are written: a thread that woke up for each would take longer than the
/// packets themselves.
struct CaptureRecorder: ~Copyable {
    private struct Waiting {
        let timestamp: UInt64
        let point: Int
        let originalLength: Int
        let bytes: Range<Int>
    }

    private let points: [CaptureSession.Point]
    private let descriptor: Int32
    private let report: @Sendable (Int) -> Void
    private var writer: CaptureFileWriter
    private let start = LabClock.now
    private var batch: [Waiting] = []
    private var bytes: [UInt8] = []
    /// Those whose interface is gone, which would be readable for ever, with what tells when it is there again.
    private var gone: [Int: NetlinkMonitor] = [:]
    private var unreported = 0
    private var nextReport: LabTime?

    private let pace: Pace

    /// How long packets are gathered, on the lab's clock; may be changed while the recorder runs.
    final class Pace: Sendable {
        private let gathering: Atomic<Int64>
        /// Written to when the recorder is to look again.
        fileprivate let nudge: Int32

        init(gathering: Duration) throws {
            self.gathering = Atomic(gathering.wholeNanoseconds)
            nudge = netlab_eventfd()
            guard nudge >= 0 else {
                throw LabFailure("The capture cannot wait for packets: \(String(cString: strerror(errno))).")
            }
        }

        deinit {
            close(nudge)
        }

        var nanoseconds: Int64 { gathering.load(ordering: .acquiring) }

        /// Gathers for so long from now on; what has been gathered is written at once.
        func gather(for duration: Duration) {
            gathering.store(duration.wholeNanoseconds, ordering: .releasing)
            var one: UInt64 = 1
            _ = Glibc.write(nudge, &one, 8)
        }
    }

    /// The host is told of new packets this late, or when there is this much. Whoever gathers for seconds is not watching.
    private static let delay = Duration.milliseconds(50)
    private static let unwatchedDelay = Duration.seconds(600)
    private static let amount = 4 << 20

    init(
        points: [CaptureSession.Point], interfaces: [CaptureInterface], descriptor: Int32, lab: String,
        pace: Pace, report: @escaping @Sendable (Int) -> Void
    ) throws {
        self.points = points
        self.descriptor = descriptor
        self.pace = pace
        self.report = report
        var writer = try CaptureFileWriter(
            descriptor: descriptor, comment: "netlab \(lab); times are the lab's, from its start")
        for interface in interfaces { _ = try writer.add(interface) }
        self.writer = writer
    }

    /// Records until `stop` is readable.
    mutating func run(until stop: Int32) throws {
        try tell()
        ControlLine.announceHolds(to: pace.nudge)
        defer { ControlLine.stopAnnouncingHolds(to: pace.nudge) }
        let (isToStop, isNudged, first) = (0, 1, 2)
        while true {
            // poll(2) passes over negative descriptors.
            let sources = points.indices.map { gone[$0] == nil ? points[$0].capture.descriptor : -1 }
            var places = ([stop, pace.nudge] + sources + gone.values.map(\.descriptor)).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            let rest = nextReport.map { max(0, ($0 - LabClock.now).wholeNanoseconds / 1_000_000 + 1) } ?? -1
            let isReady = poll(&places, nfds_t(places.count), Int32(clamping: rest)) > 0
            if try lookForTheGone() { continue }
            if isReady, places[isToStop].revents == 0, places[isNudged].revents == 0 {
                _ = netlab_wait_readable([stop, pace.nudge], 2, pace.nanoseconds)
                poll(&places, nfds_t(places.count), 0)
            }
            guard places[isToStop].revents == 0 else { break }
            try record(from: points.indices.filter { places[first + $0].revents != 0 })
            if places[isNudged].revents != 0 {
                // Where the clock is about to stand still, nothing more comes until nobody knows when.
                var count: UInt64 = 0
                _ = Glibc.read(pace.nudge, &count, 8)
                if nextReport != nil { try tell() }
            } else if unreported >= Self.amount || nextReport.map({ $0 <= LabClock.now }) ?? false {
                try tell()
            }
        }
        try record(from: Array(points.indices))
        try writeStatistics()
        try tell()
    }

    private mutating func writeStatistics() throws {
        let end = LabClock.now
        for (number, points) in Dictionary(grouping: points, by: \.interface).sorted(by: { $0.key < $1.key }) {
            let counts = try points.map { try $0.capture.statistics() }
            try writer.write(
                CaptureStatistics(
                    start: UInt64(start.nanoseconds), end: UInt64(end.nanoseconds),
                    received: counts.reduce(0) { $0 + $1.received },
                    droppedBySystem: counts.reduce(0) { $0 + $1.dropped }), interface: number,
                timestamp: UInt64(end.nanoseconds))
        }
    }

    private var reportDelay: Duration {
        let gathering = Duration.nanoseconds(pace.nanoseconds)
        return gathering < .seconds(1) ? max(Self.delay, gathering * 10) : Self.unwatchedDelay
    }

    /// - Returns: Whether something was told of the interfaces that are gone; those that are there again are captured from now on.
    private mutating func lookForTheGone() throws -> Bool {
        var isTold = false
        for (number, monitor) in gone where try !monitor.drain().isEmpty {
            isTold = true
            if points[number].capture.reopen() { gone[number] = nil }
        }
        return isTold
    }

    /// Writes the packets that wait at some points, in the order of their times.
    private mutating func record(from ready: [Int]) throws {
        batch.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        for number in ready where gone[number] == nil {
            do {
                try points[number].capture.drain { timestamp, originalLength, packet in
                    let from = bytes.count
                    packet.withUnsafeBytes { bytes.append(contentsOf: $0) }
                    batch.append(
                        Waiting(
                            timestamp: timestamp, point: number, originalLength: originalLength,
                            bytes: from..<bytes.count))
                }
            } catch let error as CaptureError where error.code == .failed {
                gone[number] = try points[number].capture.watch()
                // It may have come again in the meantime.
                if points[number].capture.reopen() { gone[number] = nil }
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
        unreported += kept.count
        if nextReport == nil { nextReport = LabClock.now + reportDelay }
    }

    /// Lets the host read what there is, and says how much.
    private mutating func tell() throws {
        try writer.flush()
        guard netlab_write_back(descriptor) == 0 else {
            throw LabFailure(
                "The capture file cannot be written: \(String(cString: strerror(errno))).",
                remedy: "Look at the free space where the lab's logs are.", code: .machineLacks)
        }
        report(Int(lseek(descriptor, 0, SEEK_CUR)))
        unreported = 0
        nextReport = nil
    }
}

import CLinux
import Dispatch
import Glibc
import Synchronization

/// Signals of this process, which somebody hears of instead of their ending it.
///
/// From the moment that one is made, no signal is lost: a source of libdispatch's own (`DispatchSource.makeSignalSource`) takes its
/// place some time after it has been asked to, and a signal that comes earlier ends the process or is forgotten.
public final class SignalWatch: Sendable {
    private let identifier: Int
    private let numbers: [Int32]

    /// Begins to watch.
    ///
    /// - Parameter heed: Is called with a signal's number each time that it comes, on a queue of Dispatch's, one call at a time.
    public init(_ numbers: [Int32], heed: @escaping @Sendable (Int32) -> Void) {
        Self.read()
        self.numbers = numbers
        identifier = Self.watches.withLock {
            $0.made += 1
            $0.current[$0.made] = (numbers, heed)
            return $0.made
        }
        for number in numbers { netlab_catch_signal(number) }
    }

    /// Hears of no more. Signals that nobody watches any more still do not end the process.
    public func end() { _ = Self.watches.withLock { $0.current.removeValue(forKey: identifier) } }

    private struct Watches {
        var made = 0
        var current: [Int: (numbers: [Int32], heed: @Sendable (Int32) -> Void)] = [:]
    }

    private static let watches = Mutex(Watches())

    private static func read() { _ = isReading }

    private static let isReading: Bool = {
        let pipe = netlab_signal_pipe()
        precondition(pipe >= 0, "no pipe for signals: \(errno)")
        let source = DispatchSource.makeReadSource(fileDescriptor: pipe, queue: DispatchQueue(label: "signals"))
        source.setEventHandler {
            var number: UInt8 = 0
            while Glibc.read(pipe, &number, 1) == 1 {
                let number = Int32(number)
                let heeding = watches.withLock { $0.current.sorted { $0.key < $1.key }.map(\.value) }
                for watch in heeding where watch.numbers.contains(number) { watch.heed(number) }
            }
            // It reads for as long as the process lives.
            withExtendedLifetime(source) {}
        }
        source.activate()
        return true
    }()
}

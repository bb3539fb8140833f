import Glibc
import LabHost
import Synchronization
import Testing

struct SignalWatchTests {
    /// One that comes before Dispatch has got round to anything is heard of all the same.
    // Waiting for threads counts, too: other tests may hold them for minutes.
    @Test(.timeLimit(.minutes(60)))
    func `A signal is heard of from the first moment on`() async {
        for _ in 0..<200 {
            let (heard, continuation) = AsyncStream.makeStream(of: Int32.self)
            let watch = SignalWatch([SIGUSR1]) { continuation.yield($0) }
            kill(getpid(), SIGUSR1)
            var iterator = heard.makeAsyncIterator()
            #expect(await iterator.next() == SIGUSR1)
            watch.end()
        }
    }

    // Waiting for threads counts, too: other tests may hold them for minutes.
    @Test(.timeLimit(.minutes(60)))
    func `Each watch hears of its own signals, and of none after its end`() async {
        let heardByFirst = Mutex<[Int32]>([])
        let (heard, continuation) = AsyncStream.makeStream(of: Int32.self)
        let first = SignalWatch([SIGUSR2]) { number in heardByFirst.withLock { $0.append(number) } }
        let second = SignalWatch([SIGUSR2, SIGALRM]) { continuation.yield($0) }
        var iterator = heard.makeAsyncIterator()
        kill(getpid(), SIGUSR2)
        #expect(await iterator.next() == SIGUSR2)
        kill(getpid(), SIGALRM)
        #expect(await iterator.next() == SIGALRM)
        first.end()
        kill(getpid(), SIGUSR2)
        #expect(await iterator.next() == SIGUSR2)
        second.end()
        #expect(heardByFirst.withLock(\.self) == [SIGUSR2])
    }
}

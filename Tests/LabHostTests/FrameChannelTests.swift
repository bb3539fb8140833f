import AgentProtocol
import Glibc
import SystemPackage
import Testing

@testable import LabHost

/// Connections of supervisors, with peers that keep to nothing.
@Suite("FrameChannel", .timeLimit(.minutes(60)))
struct FrameChannelTests {
    private typealias Channel = FrameChannel<String, String>

    /// Two ends of a connection, of which a channel has taken over one.
    private static func pair() throws -> (Channel, peer: FileDescriptor) {
        let (own, peer) = try sockets()
        return (try .adopting(own.rawValue), peer)
    }

    private static func sockets() throws -> (FileDescriptor, FileDescriptor) {
        var ends: [CInt] = [0, 0]
        guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Errno(rawValue: errno)
        }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    private static func frame(_ text: String) -> [UInt8] {
        let json = Array("\"\(text)\"".utf8)
        return [json.count + 4, json.count].flatMap { number in
            withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
        }
            + json
    }

    /// Everything there is to read until the other side hangs up.
    private static func readAll(_ descriptor: FileDescriptor) throws -> Int {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var total = 0
        while true {
            let count = try buffer.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            if count == 0 { return total }
            total += count
        }
    }

    private static func collect(_ channel: Channel) async -> [String] {
        await channel.incoming.reduce(into: []) { $0.append($1.0) }
    }

    @Test
    func `Many messages arrive in order, in both directions at once`() async throws {
        let (left, right) = try Self.sockets()
        let channels = try [Channel.adopting(left.rawValue), Channel.adopting(right.rawValue)]
        let numbers = (0..<10_000).map { "message \($0)" }
        for number in numbers {
            for channel in channels { try channel.send(number) }
        }
        for channel in channels {
            var arrived: [String] = []
            for await (message, _) in channel.incoming {
                arrived.append(message)
                if arrived.count == numbers.count { break }
            }
            #expect(arrived == numbers)
        }
        for channel in channels { channel.close() }
    }

    @Test
    func `Messages larger than any buffer on the way arrive whole`() async throws {
        let (left, right) = try Self.sockets()
        let (sender, receiver) = try (Channel.adopting(left.rawValue), Channel.adopting(right.rawValue))
        let large = String(repeating: "x", count: 1 << 20)
        for _ in 0..<5 { try sender.send(large) }
        try await sender.finish(Frame("last"))
        #expect(await Self.collect(receiver) == Array(repeating: large, count: 5) + ["last"])
    }

    @Test
    func `A peer that closes in the middle of a message ends the stream after those before it`() async throws {
        let (channel, peer) = try Self.pair()
        try peer.writeAll(Self.frame("whole") + Self.frame("cut off").dropLast())
        try peer.close()
        #expect(await Self.collect(channel) == ["whole"])
        // Nobody is there any more: dropped, and no SIGPIPE.
        try channel.send("late")
        try await channel.finish(Frame("late"))
        channel.close()
    }

    @Test(
        arguments: [
            [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], [0, 0, 0, 7, 0, 0, 0, 3] + Array("{x}".utf8),
            [0, 0, 0, 4, 0, 0, 0, 9],
        ] as [[UInt8]])
    func `A peer that does not speak the protocol is hung up on`(_ bytes: [UInt8]) async throws {
        let (channel, peer) = try Self.pair()
        defer { try? peer.close() }
        try peer.writeAll(Self.frame("sense") + bytes + Self.frame("more"))
        #expect(await Self.collect(channel) == ["sense"])
        #expect(try Self.readAll(peer) == 0)
        #expect(channel.misunderstanding.reason != nil)
    }

    @Test
    func `A peer that never reads holds nobody up, and is hung up on before it costs much memory`() async throws {
        let (channel, peer) = try Self.pair()
        defer { try? peer.close() }
        let chunk = [UInt8](repeating: 7, count: 1 << 20)
        for _ in 0..<(StreamSocket.queueLimit >> 20) / 2 { channel.send(bytes: chunk) }
        // Negative control: half of what is allowed.
        try peer.writeAll(Self.frame("still there"))
        var messages = channel.incoming.makeAsyncIterator()
        #expect(await messages.next()?.0 == "still there")
        for _ in 0..<(StreamSocket.queueLimit >> 20) { channel.send(bytes: chunk) }
        #expect(await messages.next()?.0 == nil)
        #expect(try Self.readAll(peer) < 1 << 20)
    }

    @Test
    func `A peer that reads late gets everything, also what is sent last`() async throws {
        let (channel, peer) = try Self.pair()
        defer { try? peer.close() }
        let chunk = [UInt8](repeating: 7, count: 100_000)
        for _ in 0..<100 { channel.send(bytes: chunk) }
        let end = try Frame("end")
        async let finished: Void = channel.finish(end)
        #expect(try Self.readAll(peer) == 100 * chunk.count + Self.frame("end").count)
        await finished
    }

    @Test
    func `Closing drops what nobody has read, and ends the stream`() async throws {
        let (channel, peer) = try Self.pair()
        defer { try? peer.close() }
        for _ in 0..<100 { channel.send(bytes: [UInt8](repeating: 7, count: 100_000)) }
        channel.close()
        #expect(await Self.collect(channel) == [])
        #expect(try Self.readAll(peer) < 5_000_000)
    }

    @Test
    func `A socket has its name when it answers, for its user alone, and serves several at once`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.appending("socket")
            #expect(throws: Errno.noSuchFileOrDirectory) { try Channel.connecting(to: path.string) }
            try Channel.listening(at: path.string) { client in
                Task {
                    var messages = client.incoming.makeAsyncIterator()
                    if let (question, _) = await messages.next() {
                        await client.finish(try Frame("answer to \(question)"))
                    }
                }
            }
            #expect(try names(in: directory) == ["socket"])
            #expect(try Stat(path).permissions == .ownerReadWrite)
            let clients = try (0..<20).map { _ in try Channel.connecting(to: path.string) }
            for (number, client) in clients.enumerated().reversed() { try client.send("\(number)") }
            for (number, client) in clients.enumerated() {
                #expect(await Self.collect(client) == ["answer to \(number)"])
            }
            // What is there already is somebody else's.
            try write("", to: FilePath("\(path).new"))
            #expect(throws: Errno.addressInUse) { try Channel.listening(at: path.string) { $0.close() } }
        }
    }

    @Test
    func `A path too long for an address is refused`() {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        #expect(throws: Errno.fileNameTooLong) { try Channel.connecting(to: path) }
        #expect(throws: Errno.fileNameTooLong) { try Channel.listening(at: path) { $0.close() } }
    }
}

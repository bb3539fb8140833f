import Decryption
import NetworkTypes
import Testing

/// Wireshark decrypts what was sealed here, with the tables made here.
@Suite struct TsharkTests {
    private static let fields = ["esp.icv_good", "esp.icv_bad", "icmp.seq"]

    /// What tshark 4.0 makes of a packet.
    private struct Reading: Equatable {
        var isGood: Bool
        var isBad: Bool
        var echoSequence: Int?

        init(_ values: Tshark.Reading) {
            isGood = values[0] == "1"
            isBad = values[1] == "1"
            echoSequence = Int(values[2])
        }

        init(isGood: Bool = false, isBad: Bool = false, echoSequence: Int? = nil) {
            self.isGood = isGood
            self.isBad = isBad
            self.echoSequence = echoSequence
        }
    }

    private static func read(
        _ packets: [Tshark.Packet], keys associations: [ESPAssociation]
    ) async throws -> [Reading] {
        try await Tshark.read(packets, files: WiresharkKeys(associations: associations).files, fields: fields)
            .map(Reading.init)
    }

    /// The sequence number of the ICMP echo inside: the last two of the eight bytes after the inner IP header.
    private static func echoSequence(_ payload: [UInt8]) -> Int {
        Int(payload[26]) << 8 | Int(payload[27])
    }

    private static func sealed(_ foreign: ForeignPacket) throws -> [UInt8] {
        try ESPSealer(foreign.association).seal(foreign.payload, sequence: foreign.sequence)
    }

    private static let (inside, outside): ([UInt8], [UInt8]) = ([192, 0, 2, 1], [198, 51, 100, 2])

    @Test func `Each combination is decrypted that tshark can decrypt, and its integrity verified`() async throws {
        let all = ForeignPacket.all
        let packets = try all.map {
            ipPacket(from: Self.inside, to: Self.outside, protocol: 50, try Self.sealed($0))
        }
        let readings = try await Self.read(packets, keys: all.map(\.association))
        for (foreign, reading) in zip(all, readings) {
            let association = foreign.association
            var expected = Reading()
            switch ESPAssociation.EncryptionName(rawValue: association.encryption.name) {
            case .ccm, .chachaPoly: break
            case .gcm:
                expected.echoSequence = Self.echoSequence(foreign.payload)
                // It takes all sequence numbers for short ones.
                expected.isGood = !association.hasExtendedSequence
                expected.isBad = association.hasExtendedSequence
            default:
                expected.echoSequence = Self.echoSequence(foreign.payload)
                expected.isGood = !association.hasExtendedSequence && association.integrity?.name != "xcbc(aes)"
            }
            #expect(reading == expected, "\(foreign.testDescription)")
        }
        let unreadable = WiresharkKeys(associations: all.map(\.association)).unreadable.map(\.encryption.name)
        #expect(Set(unreadable) == ["rfc4309(ccm(aes))", "rfc7539esp(chacha20,poly1305)"])
        #expect(unreadable.count == 20)
    }

    @Test func `Without keys, or with others, tshark reads nothing of what was sent`() async throws {
        let all = ForeignPacket.all
        let packets = try all.map {
            ipPacket(from: Self.inside, to: Self.outside, protocol: 50, try Self.sealed($0))
        }
        let without = try await Self.read(packets, keys: [])
        // Cleartext is no secret: null encryption alone may be read, and is not, unless asked for.
        #expect(without.allSatisfy { $0 == Reading() })
        let encrypted = zip(all, packets).filter { $0.0.association.encryption.name != "ecb(cipher_null)" }
        let others = encrypted.map { foreign, _ in
            var other = foreign.association
            other.encryption.key = KeyMaterial(other.encryption.key.bytes.map { $0 ^ 0x5A })
            return other
        }
        let wrong = try await Self.read(encrypted.map(\.1), keys: others)
        for ((foreign, _), reading) in zip(encrypted, wrong) {
            // What another key makes of a packet is noise, which may look like an echo of some number.
            #expect(reading.echoSequence != Self.echoSequence(foreign.payload), "\(foreign.testDescription)")
        }
    }

    /// An association and a packet that carries an echo.
    private func echo(spi: UInt32, encapsulated: Bool = false) throws -> (ESPAssociation, esp: [UInt8], sequence: Int) {
        let foreign = try #require(
            ForeignPacket.all.first { $0.association.integrity?.name == "hmac(sha512)" && $0.highSequence == 0 })
        var association = foreign.association
        association.spi = spi
        if encapsulated { association.encapsulation = .init(sourcePort: 4500, destinationPort: 4500) }
        return (
            association, try ESPSealer(association).seal(foreign.payload, sequence: 9),
            Self.echoSequence(foreign.payload)
        )
    }

    @Test func `One row serves the packets of an association on both sides of a NAT, in UDP and without`() async throws
    {
        let (association, esp, sequence) = try echo(spi: 0x0102_0304, encapsulated: true)
        let wires: [(from: [UInt8], to: [UInt8])] = [
            (Self.inside, Self.outside), ([203, 0, 113, 77], Self.outside), ([203, 0, 113, 77], [10, 0, 0, 2]),
        ]
        let packets = wires.flatMap { wire in
            [
                ipPacket(from: wire.from, to: wire.to, protocol: 50, esp),
                ipPacket(from: wire.from, to: wire.to, protocol: 17, udpDatagram(from: 4500, to: 4500, esp)),
                ipPacket(from: wire.from, to: wire.to, protocol: 17, udpDatagram(from: 32_001, to: 4500, esp)),
            ]
        }
        // As one end has it, and as both have it, each with addresses that the other does not know.
        var asPeerHasIt = association
        asPeerHasIt.source = .v4(IPv4Address(rawValue: 0xCB00_714D))
        for associations in [[association], [association, asPeerHasIt]] {
            let readings = try await Self.read(packets, keys: associations)
            #expect(readings == Array(repeating: Reading(isGood: true, echoSequence: sequence), count: packets.count))
        }
    }

    @Test func `Associations with one SPI are told apart by their addresses`() async throws {
        let (one, esp, sequence) = try echo(spi: 0x0102_0304)
        var other = one
        (other.source, other.destination) = (one.destination, one.source)
        other.encryption = .init(name: "cbc(aes)", key: KeyMaterial(Array(100..<132)))
        let payload = try #require(ForeignPacket.all.first?.payload)
        let back = try ESPSealer(other).seal(payload, sequence: 1)
        let readings = try await Self.read(
            [
                ipPacket(from: Self.inside, to: Self.outside, protocol: 50, esp),
                ipPacket(from: Self.outside, to: Self.inside, protocol: 50, back),
                // Negative control: the addresses are of neither.
                ipPacket(from: Self.inside, to: Self.inside, protocol: 50, esp),
            ], keys: [one, other])
        #expect(
            readings == [
                Reading(isGood: true, echoSequence: sequence),
                Reading(isGood: true, echoSequence: Self.echoSequence(payload)), Reading(),
            ])
    }

    @Test func `IPv6 outside`() async throws {
        var (association, esp, sequence) = try echo(spi: 0x0102_0304)
        let (source, destination) = (
            IPv6Address(high: 0x2001_0DB8 << 32, low: 1), IPv6Address(high: 0x2001_0DB8 << 32, low: 2)
        )
        (association.source, association.destination) = (.v6(source), .v6(destination))
        var other = association
        other.source = .v6(destination)
        let packet = ipPacket(from: source.bytes, to: destination.bytes, protocol: 50, esp)
        // The second time with a table that needs the addresses.
        for associations in [[association], [association, other]] {
            let readings = try await Self.read([packet], keys: associations)
            #expect(readings == [Reading(isGood: true, echoSequence: sequence)])
        }
    }

    @Test func `Packets that were changed show a wrong integrity value`() async throws {
        let (association, esp, _) = try echo(spi: 0x0102_0304)
        var changed = esp
        changed[changed.count - 1] ^= 1
        let readings = try await Self.read(
            [ipPacket(from: Self.inside, to: Self.outside, protocol: 50, changed)], keys: [association])
        #expect(readings.map(\.isBad) == [true])
    }
}

import NetworkTypes
import PacketFormats
import Testing

@Suite struct DissectionTests {
    /// The layers of a frame by name, each with where its header and body stand.
    private func walk(_ bytes: [UInt8], _ linkType: LinkType = .ethernet) -> [String] {
        var layers: [String] = []
        Dissection.walk(bytes.span.bytes, linkType: linkType) { layer, header, body in
            layers.append("\(name(layer)) \(header.lowerBound)-\(header.upperBound)-\(body.upperBound)")
            return true
        }
        return layers
    }

    private func name(_ layer: Layer) -> String {
        switch layer {
        case .truncated(let missing): "truncated(\(missing))"
        case .malformed(let malformation): "malformed(\(malformation))"
        default: String("\(layer)".prefix { $0 != "(" })
        }
    }

    private func ipv4Header(totalLength: Int, _ nextProtocol: UInt8) -> [UInt8] {
        let length = [UInt8(totalLength >> 8), UInt8(totalLength & 0xFF)]
        return [0x45, 0] + length + [0, 0, 0, 0, 64, nextProtocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
    }

    @Test(arguments: [
        ("espInUDP", ["ethernet 0-14-82", "ipv4 14-34-82", "udp 34-42-82", "esp 42-50-82"]),
        ("natKeepalive", ["ethernet 0-14-60", "ipv4 14-34-43", "udp 34-42-43", "natKeepalive 42-43-43"]),
        (
            "ikeAuth",
            [
                "ethernet 0-14-118", "ipv4 14-34-118", "udp 34-42-118", "nonESPMarker 42-46-118", "ike 46-74-118",
            ]
        ),
        (
            "isatapIPIP6",
            [
                "ethernet 0-14-126", "ipv4 14-34-126", "ipv6 34-74-126", "destinationOptions 74-82-126",
                "ipv4 82-102-126",
                "icmp 102-110-126",
            ]
        ),
        (
            "bgpOpen",
            ["ethernet 0-14-118", "ipv4 14-34-118", "tcp 34-54-118", "bgp 54-73-99", "bgp 99-118-118"]
        ),
        (
            "extensionHeaders",
            [
                "ethernet 0-14-102", "ipv6 14-54-102", "hopByHopOptions 54-62-102", "routing 62-70-102",
                "fragment 70-78-102", "destinationOptions 78-86-102", "udp 86-94-102", "payload 94-94-102",
            ]
        ),
        (
            "greBridge",
            [
                "ethernet 0-14-108", "ipv4 14-34-108", "gre 34-50-108", "ethernet 50-64-108", "ipv4 64-84-108",
                "icmp 84-92-108",
            ]
        ),
        ("lastFragment", ["ethernet 0-14-54", "ipv4 14-34-54", "payload 34-34-54"]),
        ("firstFragment", ["ethernet 0-14-58", "ipv4 14-34-58", "udp 34-42-58", "payload 42-42-58"]),
        // The padding of the frame belongs to nothing.
        ("padded", ["ethernet 0-14-60", "ipv4 14-34-44", "udp 34-42-44", "payload 42-42-44"]),
        ("stackedVLAN", ["ethernet 0-14-60", "vlan 14-18-60", "vlan 18-22-60", "arp 22-50-50"]),
        ("fragmentationNeeded", ["ethernet 0-14-70", "ipv4 14-34-70", "icmp 34-42-70"]),
        ("spanningTree", ["ethernet 0-14-52", "payload 14-14-52"]),
    ])
    func `Places`(_ name: String, _ layers: [String]) throws {
        let sample = try Sample.named(name)
        #expect(walk(sample.bytes, sample.linkType) == layers)
    }

    @Test func `Every cut is reported`() throws {
        // Without its padding, every sample but the fragments and those without a length says how long it is.
        for sample in Sample.all where !["lldp", "spanningTree", "unknownInVLAN"].contains(sample.name) {
            let whole = sample.bytes
            var length = 0
            Dissection.walk(whole.span.bytes, linkType: sample.linkType) { layer, header, body in
                if case .truncated = layer { Issue.record("\(sample.name) is whole") }
                if case .malformed(let malformation) = layer { Issue.record("\(sample.name): \(malformation)") }
                length = body.upperBound
                return true
            }
            for count in 0..<length {
                var missing: Int?
                Dissection.walk(Array(whole.prefix(count)).span.bytes, linkType: sample.linkType) { layer, _, _ in
                    if case .truncated(let bytes) = layer { missing = bytes }
                    return true
                }
                let seen = try #require(missing, "\(sample.name) cut to \(count)")
                // Where the cut is in the first header, nothing tells how much is missing.
                #expect(seen >= 1 && seen <= length - count)
            }
        }
    }

    @Test(arguments: [
        // IPv4 says 40 bytes, of which 24 are there; UDP says as many.
        (
            "4500 0028 0000 0000 40 11 0000 0a000001 0a000002 0001 0002 0014 0000",
            ["ipv4 0-20-28", "udp 20-28-28", "truncated(12) 28-28-28"]
        ),
        ("4500 0028 0000 0000 40 11 0000 0a000001 0a000002 0001", ["ipv4 0-20-22", "truncated(18) 20-22-22"]),
        // IPv4 is whole, its UDP header is not: nothing was cut.
        (
            "4500 0018 0000 0000 40 11 0000 0a000001 0a000002 00010002",
            ["ipv4 0-20-24", "malformed(header cut short) 20-24-24"]
        ),
        // UDP claims more than IPv4 has.
        (
            "4500 001c 0000 0000 40 11 0000 0a000001 0a000002 00010002 0009 0000",
            ["ipv4 0-20-28", "udp 20-28-28", "truncated(1) 28-28-28"]
        ),
        // A chain of extension headers that runs over.
        (
            "60000000 0008 00 40 00000000000000000000000000000001 00000000000000000000000000000002 00 00 000000000000",
            ["ipv6 0-40-48", "hopByHopOptions 40-48-48", "malformed(header cut short) 48-48-48"]
        ),
        (
            "60000000 0008 2b 40 00000000000000000000000000000001 00000000000000000000000000000002 11 01 000000000000",
            ["ipv6 0-40-48", "malformed(header cut short) 40-48-48"]
        ),
        // An inner packet longer than the outer one, and one of a wrong version.
        (
            "4500 0028 0000 0000 40 04 0000 0a000001 0a000002 4500 0020 0000 0000 40 3b 0000 0a000001 0a000002",
            ["ipv4 0-20-40", "ipv4 20-40-40", "truncated(12) 40-40-40"]
        ),
        (
            "4500 0028 0000 0000 40 29 0000 0a000001 0a000002 4500 0014 0000 0000 40 3b 0000 0a000001 0a000002",
            ["ipv4 0-20-40", "malformed(IP version 4) 20-40-40"]
        ),
        ("5500 0014 0000 0000 40 3b 0000 0a000001 0a000002", ["malformed(IP version 5) 0-20-20"]),
        ("", ["truncated(1) 0-0-0"]),
    ])
    func `Damaged packets`(_ hex: String, _ layers: [String]) {
        #expect(walk(bytes(hex), .raw) == layers)
    }

    @Test func `Tunnels in each other end`() {
        // Forty IPv4 headers, each in the one before.
        let bytes: [UInt8] = (0..<40).flatMap { ipv4Header(totalLength: 800 - 20 * $0, 4) }
        let layers = walk(bytes, .raw)
        #expect(layers.count == 33 && layers.last == "malformed(too many layers) 640-800-800")
        #expect(walk(Array(bytes.suffix(20 * 31)), .raw).last == "malformed(header cut short) 620-620-620")
    }

    @Test func `Several messages of a segment are no depth`() throws {
        let keepalive = [UInt8](repeating: 0xFF, count: 16) + [0, 19, 4]
        let data = Array(repeatElement(keepalive, count: 70).joined())
        let segment = bytes("00b3 9c40 00000001 00000001 50 18 0000 0000 0000") + data
        let packet = ipv4Header(totalLength: 20 + segment.count, 6) + segment
        #expect(walk(packet, .raw).count == 72)
        // A wrong marker after the first message is an error; before it, the segment continues another.
        var damaged = packet
        damaged[40 + 19] = 0
        #expect(walk(damaged, .raw).last == "malformed(BGP marker) 59-1370-1370")
        damaged[40] = 0
        #expect(walk(damaged, .raw).last == "payload 40-40-1370")
    }

    @Test func `A visitor may stop`() throws {
        let sample = try Sample.named("isatapIPIP6")
        var count = 0
        Dissection.walk(sample.bytes.span.bytes, linkType: sample.linkType) { layer, _, _ in
            count += 1
            if case .ipv6 = layer { return false }
            return true
        }
        #expect(count == 3)
    }

    @Test func `A quoted packet is walked on its own`() throws {
        let sample = try Sample.named("packetTooBig")
        let frame = sample.bytes
        var quoted: [String] = []
        Dissection.walk(frame.span.bytes, linkType: sample.linkType) { layer, _, body in
            guard case .icmpv6(let message) = layer, message.quotesPacket else { return true }
            #expect(message.content == .packetTooBig(mtu: 1400))
            Dissection.walkPacket(frame.span.bytes, in: body) { layer, header, _ in
                quoted.append("\(name(layer)) \(header.lowerBound)")
                return true
            }
            return true
        }
        #expect(quoted == ["ipv6 62", "udp 102", "truncated(1400) 110"])
    }

    @Test func `A range outside is cut`() {
        let packet = bytes("4500 0014 0000 0000 40 3b 0000 0a000001 0a000002")
        for range in [0..<1000, -5..<20, 0..<20] {
            var layers = 0
            Dissection.walkPacket(packet.span.bytes, in: range) { layer, _, _ in
                if case .ipv4 = layer { layers += 1 }
                return true
            }
            #expect(layers == 1)
        }
        Dissection.walkPacket(packet.span.bytes, in: 30..<40) { layer, header, _ in
            #expect(layer == .truncated(missing: 1) && header == 20..<20)
            return true
        }
    }

    @Test func `Other link types`() throws {
        let packet = try Sample.named("echoReply").bytes
        #expect(walk(packet, .ipv4) == ["ipv4 0-20-29", "icmp 20-28-29"])
        #expect(walk(packet, .ipv6) == ["malformed(IP version 4) 0-29-29"])
        #expect(walk(packet, LinkType(rawValue: 147)) == ["payload 0-0-29"])
        #expect(walk([], LinkType(rawValue: 147)) == [])
    }
}

import Testing

@testable import HeaderStacks

@Suite("The bytes of an ESP association's packets")
struct ESPEncapsulationTests {
    static let all: [ESPEncapsulation] = ESPTransformTests.all.flatMap { transform in
        ESPEncapsulation.Mode.allCases.flatMap { mode in
            EncapsulationFamily.allCases.flatMap { family in
                [false, true].map {
                    ESPEncapsulation(transform: transform, mode: mode, family: family, isUDPEncapsulated: $0)
                }
            }
        }
    }

    /// Added up part by part, with the padding found by trying.
    static func length(_ inner: Int, in esp: ESPEncapsulation) -> Int {
        let ip = esp.family == .ipv4 ? 20 : 40
        let payload = esp.mode == .tunnel ? inner : inner - ip
        var filled = payload + 2
        while !filled.isMultiple(of: esp.transform.alignment) { filled += 1 }
        return ip + (esp.isUDPEncapsulated ? 8 : 0) + 8 + esp.transform.ivLength + filled + esp.transform.icvLength
    }

    static func shortest(_ esp: ESPEncapsulation) -> Int {
        esp.mode == .transport && esp.family == .ipv6 ? 40 : 20
    }

    @Test(arguments: all)
    func `A packet's length is the sum of its parts, and the lengths that are possible are those sums`(
        esp: ESPEncapsulation
    ) {
        let inner = Self.shortest(esp)...400
        let sums = inner.map { (inner: $0, outer: Self.length($0, in: esp)) }
        let made = Dictionary(grouping: sums, by: \.outer).mapValues { $0.map(\.inner) }
        #expect(sums.allSatisfy { esp.outerLength(ofInner: $0.inner) == $0.outer })
        for outer in 0...390 {
            #expect(esp.isPossible(outerLength: outer) == (made[outer] != nil))
            #expect(esp.innerLengths(ofOuter: outer).map(Array.init) == made[outer])
            #expect(esp.largestInner(within: outer) == sums.last { $0.outer <= outer }?.inner)
        }
    }

    /// What `xfrm_state_mtu` of Linux (net/xfrm/xfrm_state.c) computes, with an association's header as `esp_init_state`
    /// (net/ipv4/esp4.c, net/ipv6/esp6.c) adds it up: unsigned, and 1 where nothing fits.
    static func linuxMTU(_ esp: ESPEncapsulation, link: Int) -> Int {
        let blockSize = esp.transform.cipher == .aesCBC ? 16 : 4
        var headerLength = 8 + esp.transform.ivLength
        var adjustment = 0
        let ip = esp.family == .ipv4 ? 20 : 40
        if esp.mode == .tunnel { headerLength += ip } else { adjustment = ip }
        if esp.isUDPEncapsulated { headerLength += 8 }
        let overhead = headerLength + esp.transform.icvLength + adjustment
        guard link > overhead else { return 1 }
        let payload = (link - overhead) / blockSize * blockSize
        return payload <= 2 ? 1 : payload + adjustment - 2
    }

    @Test(arguments: all)
    func `Linux computes the same MTU, on every link from 576 to 9000`(esp: ESPEncapsulation) {
        let differences = (576...9000).filter { esp.largestInner(within: $0) != Self.linuxMTU(esp, link: $0) }
        #expect(differences.isEmpty)
    }

    @Test(arguments: all)
    func `Absurd lengths are impossible, and crash nothing`(esp: ESPEncapsulation) {
        for length in [Int.min, -65536, -1, 0, 1] {
            #expect(!esp.isPossible(outerLength: length))
            #expect(esp.innerLengths(ofOuter: length) == nil)
            #expect(esp.largestInner(within: length) == nil)
        }
        for length in [Int.min, .max] { _ = esp.outerLength(ofInner: length) }
        _ = esp.innerLengths(ofOuter: .max)
        #expect(esp.largestInner(within: .max) != nil)
    }

    @Test
    func `A length between two steps of the padding is impossible`() throws {
        let transform = try ESPOverhead(cipher: .aesCBC, integrity: .sha2_256)
        let esp = ESPEncapsulation(transform: transform)
        #expect(esp.isPossible(outerLength: 1500))
        #expect(esp.innerLengths(ofOuter: 1500) == 1423...1438)
        for length in 1485...1499 { #expect(!esp.isPossible(outerLength: length)) }
    }
}

import NetworkTypes
import Testing

@Suite struct QuantityTests {
    @Test func `The MTU`() {
        #expect(MTU(68)?.bytes == 68 && MTU(65535)?.bytes == 65535 && MTU("1500") == .ethernet)
        #expect(MTU(67) == nil && MTU(65536) == nil)
        for text in ["", "+1500", "-1500", "01500", "1500.0", "1e3", " 1500", "99999999999999999999"] {
            #expect(MTU(text) == nil, "\(text)")
        }
    }

    @Test func `AS numbers`() {
        #expect(ASN("64512")?.number == 64512 && ASN("4294967295")?.description == "4294967295")
        for text in ["0", "", "+1", "-1", "4294967296", "1.10", "AS64512"] {
            #expect(ASN(text) == nil, "\(text)")
        }
    }

    @Test(
        arguments: [
            ("500mbit", 500_000_000, "500mbit"), ("0.5gbit", 500_000_000, "500mbit"),
            ("1.25gbit", 1_250_000_000, "1.25gbit"),
            ("1gbit", 1_000_000_000, "1gbit"), ("64kbit", 64_000, "64kbit"), ("1255bit", 1255, "1255bit"),
            ("1bit", 1, "1bit"),
            ("10Gbit", 10_000_000_000, "10gbit"), ("1000kbit", 1_000_000, "1mbit"),
            ("1000000gbit", 1_000_000_000_000_000, "1000000gbit"),
        ] as [(String, UInt64, String)])
    func `Bit rate`(_ text: String, _ bits: UInt64, _ canonical: String) throws {
        let rate = try #require(BitRate(text))
        #expect(rate.bitsPerSecond == bits && rate.description == canonical && BitRate(canonical) == rate)
    }

    @Test(arguments: [
        "", "bit", "mbit", "500", "-1mbit", "+1mbit", "0mbit", "0.4bit", "1 mbit", "1mbps", "1mibit", "1.2.3mbit",
        ".mbit", "infbit",
        "nanbit", "1e3bit", "0x1bit", "1000001gbit", "mbit500",
    ])
    func `Bad bit rates`(_ text: String) {
        #expect(BitRate(text) == nil)
    }

    @Test func `Bit rate round trip`() {
        #expect(BitRate(bitsPerSecond: 0) == nil && BitRate(bitsPerSecond: .max) == nil)
        for _ in 0..<5000 {
            let rate = BitRate(bitsPerSecond: UInt64.random(in: 1...(1 << Int.random(in: 1...49))))
            #expect(rate.flatMap { BitRate($0.description) } == rate)
        }
    }

    @Test(arguments: [
        ("0%", "0%"), ("0.03%", "0.03%"), ("0.07%", "0.07%"), ("100%", "100%"), ("0.0000001%", "0.0000001%"),
        ("33.3%", "33.3%"), ("1.50%", "1.5%"), ("99.9999999%", "99.9999999%"),
    ])
    func `The percentage`(_ text: String, _ canonical: String) throws {
        let share = try #require(Percentage(text))
        #expect(
            share.description == canonical && Percentage(canonical) == share
                && Percentage(fraction: share.fraction) == share)
    }

    @Test func `Percentage round trip`() {
        for thousandths in 0...100_000 {
            let share = Percentage(fraction: Double(thousandths) / 100_000)
            #expect(share.flatMap { Percentage($0.description) } == share)
        }
        #expect(Percentage("0.03%")?.fraction == 0.0003 && Percentage("0%") == .zero)
        for text in ["", "%", "1", "-1%", "100.1%", "1%%", "1 %", "inf%", "nan%", "1e1%"] {
            #expect(Percentage(text) == nil, "\(text)")
        }
        #expect(
            Percentage(fraction: .nan) == nil && Percentage(fraction: -0.1) == nil && Percentage(fraction: 1.1) == nil)
    }
}

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("2ms", .milliseconds(2), "2ms"), ("2.5ms", .microseconds(2500), "2.5ms"), ("30s", .seconds(30), "30s"),
            ("1h30m", .seconds(5400), "1h30m"), ("1.5s", .milliseconds(1500), "1.5s"), ("90s", .seconds(90), "1m30s"),
            ("1d", .seconds(86400), "1d"), ("1d5m", .seconds(86700), "1d"), ("150us", .microseconds(150), "150us"),
            ("150µs", .microseconds(150), "150us"), ("7ns", .nanoseconds(7), "7ns"), ("0s", .zero, "0s"),
            ("0.1s", .milliseconds(100), "100ms"),
        ] as [(String, Duration, String)])
    func `Text`(_ text: String, _ duration: Duration, _ short: String) {
        #expect(Duration(text: text) == duration && duration.shortText == short)
    }

    @Test(arguments: [
        "", "5", "s", "5 s", "-5s", "+5s", "5x", "5s5", "1.2.3s", ".s", "1e3s", "infs", "40000d", "5S", "½s",
    ])
    func `Refused`(_ text: String) {
        #expect(Duration(text: text) == nil)
    }

    @Test func `Whole nanoseconds saturate`() {
        #expect(Duration.milliseconds(-1500).wholeNanoseconds == -1_500_000_000)
        #expect(
            Duration.nanoseconds(Int64.max).wholeNanoseconds == .max
                && Duration.nanoseconds(Int64.min).wholeNanoseconds == .min)
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).wholeNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).wholeNanoseconds == .min)
        #expect(
            Duration.seconds(Int64.max / 2).wholeNanoseconds == .max
                && Duration.seconds(Int64.min / 2).wholeNanoseconds == .min)
        #expect(Duration.milliseconds(-2500).shortText == "-2.5s" && Duration.seconds(2).inSeconds == 2)
    }
}

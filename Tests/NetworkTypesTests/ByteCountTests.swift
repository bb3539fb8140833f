import NetworkTypes
import Testing

@Suite("Amounts of data")
struct ByteCountTests {
    @Test(
        arguments: [
            ("1", 1, "1B"), ("500kB", 500_000, "500kB"), ("20MB", 20_000_000, "20MB"), ("1GB", 1_000_000_000, "1GB"),
            ("1.5MB", 1_500_000, "1500kB"),
            ("20mb", 20_000_000, "20MB"), ("1001B", 1001, "1001B"), ("1000000GB", 1_000_000_000_000_000, "1000000GB"),
            ("0.5kb", 500, "500B"),
        ])
    func `Text and back`(_ text: String, _ bytes: Int, _ canonical: String) throws {
        let count = try #require(ByteCount(text))
        #expect(count.bytes == bytes && count.description == canonical && ByteCount(canonical) == count)
        #expect(ByteCount(bytes: bytes) == count)
    }

    @Test(
        arguments: [
            "", "B", "kB", "0", "0B", "0.4B", "-1", "+1", "20M", "20 MB", "20MiB", "1e3", "1..5MB", ".", "1000001GB",
            "99999999999999999999999", "inf", "nan",
            "20MBB", "٣MB",
        ])
    func `Refused`(_ text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test func `Limits and order`() throws {
        #expect(
            ByteCount(bytes: 0) == nil && ByteCount(bytes: -1) == nil && ByteCount(bytes: 1_000_000_000_000_001) == nil)
        #expect(try #require(ByteCount("999kB")) < #require(ByteCount("1MB")))
    }
}

import Completions
import Testing

@Suite struct TypedLineTests {
    private func line(_ words: String..., prefix: String = "", splits: Bool = false) -> TypedLine {
        TypedLine(
            words: words + [prefix], index: words.count, prefix: prefix, optionsWithValue: ["--variant", "-w"],
            splitsAtSigns: splits)
    }

    @Test func `Options and their values are no arguments`() {
        let line = line("netlab", "fail", "--variant", "one", "aws-oci", "-v", "link", "--other=two", prefix: "a")
        #expect(line.verb == "fail")
        #expect(line.arguments == ["aws-oci", "link"])
        #expect(line.value(of: "--variant") == "one")
        #expect(line.value(of: "--other") == "two")
        #expect(line.has("-v") && !line.has("--variant"))
        #expect(line.beginning == "a")
    }

    @Test func `The verb itself may be what is completed`() {
        #expect(line("netlab").verb == nil)
        #expect(line("netlab").arguments == [])
    }

    @Test(arguments: [
        (#"'loss aws 3%'"#, "loss aws 3%"), (#"'blackhole a"#, "blackhole a"), (#"two\ words"#, "two words"),
        (#""a 'b' \"c""#, #"a 'b' "c"#), (#"'it'\''s'"#, "it's"), (#"'a\b'"#, #"a\b"#), ("", ""), (#"\"#, ""),
    ])
    func `Quotes are taken away`(typed: String, meant: String) {
        #expect(line("netlab", "fail", "lab", typed).arguments == ["lab", meant])
        #expect(line("netlab", "fail", "lab", prefix: typed).beginning == meant)
    }

    @Test func `What bash has split is put together again`() {
        let line = line("netlab", "capture", "lab", "tgw", ":", "wan1", "--variant", "=", "x", splits: true)
        #expect(line.arguments == ["lab", "tgw:wan1"])
        #expect(line.value(of: "--variant") == "x")
    }

    @Test(arguments: [-1, 0, 1, 99]) func `A place that is not there is no crash`(index: Int) {
        let line = TypedLine(words: ["netlab"], index: index, prefix: "", optionsWithValue: [])
        #expect(line.arguments == [])
    }
}

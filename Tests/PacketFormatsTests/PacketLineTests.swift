import NetworkTypes
import PacketFormats
import Testing

@Suite struct PacketLineTests {
    @Test(arguments: Sample.all)
    func everyKindHasItsLine(_ sample: Sample) {
        let bytes = sample.bytes
        #expect(PacketLine(bytes.span.bytes, linkType: sample.linkType).description == sample.line)
    }
}

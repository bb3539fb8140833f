import NetworkTypes
import Testing

@Suite struct WindowTests {
    @Test func `Both ends belong to it`() {
        let window = Window(.seconds(20), .seconds(31))
        #expect(window.contains(.seconds(20)) && window.contains(.seconds(31)))
        #expect(!window.contains(.seconds(19)) && !window.contains(.milliseconds(31_001)))
    }
}

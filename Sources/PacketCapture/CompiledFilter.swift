import CPcap
import PacketFormats

enum CompiledFilter {
    /// Compiles an expression of pcap-filter(7); the program has to be freed with `pcap_freecode`.
    static func compile(
        _ filter: String, for pointer: OpaquePointer, _ linkType: LinkType
    ) throws(CaptureError) -> bpf_program {
        var program = bpf_program()
        guard !filter.utf8.contains(0) else {
            throw CaptureError(.badFilter, "A capture filter must not contain a zero byte")
        }
        // The link's netmask is asked for by “ip broadcast” alone.
        guard pcap_compile(pointer, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0 else {
            throw CaptureError(
                .badFilter,
                "“\(filter)” is no capture filter for \(linkType): write it as pcap-filter(7) says, like “udp port 500”",
                cause: pcap_geterr(pointer).map { String(cString: $0) })
        }
        return program
    }

    /// Whether a program asks for what is not in the packet, such as its direction or the interface's number.
    ///
    /// Only the kernel knows that; to libpcap's own interpreter, which runs on a capture's first packet, it lies beyond the
    /// packet's end, and so the packet fails (linux/filter.h: SKF_AD_OFF).
    static func asksForMetadata(_ program: bpf_program) -> Bool {
        UnsafeBufferPointer(start: program.bf_insns, count: Int(program.bf_len)).contains { instruction in
            let code = Int32(instruction.code)
            return code & 0x07 == BPF_LD && code & 0xE0 == BPF_ABS && instruction.k >= 0xFFFF_F000
        }
    }
}

extension LinkType {
    /// libpcap calls most types by the number that files use, but not raw IP (pcap/dlt.h: DLT_RAW).
    private static let libpcapRaw: Int32 = DLT_RAW

    init(libpcapNumber number: Int32) {
        self = number == Self.libpcapRaw ? .raw : LinkType(rawValue: UInt16(truncatingIfNeeded: number))
    }

    var libpcapNumber: Int32 {
        self == .raw ? Self.libpcapRaw : Int32(rawValue)
    }
}

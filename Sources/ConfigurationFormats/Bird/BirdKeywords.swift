/// The words of BIRD's own language, which cannot name a protocol there, quoted or not.
///
/// Found by `bird -p` of BIRD 2.0.12 with a protocol of each word that its program contains.
public enum BirdKeywords {
    public static func contains(_ name: String) -> Bool { words.contains(name) }

    private static let words = Set(
        """
        accept action add address administrative advertise after algorithm all allow always area as as4 asn attribute
        attributes auth authentication autonomous aware babel base bcast bfd bgp bgpmask bgppath bind bird blackhole
        blake2b256 blake2b512 blake2s128 blake2s256 block bool broadcast buffer bug by capabilities case cease change
        channels check circuit class client clist cluster code collision commands communities confederation config
        configuration configure confirm connect connection contains cost cost2 count cryptographic current data data1
        data2 dead debug deconfigured default define defined delay delete demand description dest deterministic dev
        device digits direct disable disabled do domain down dport drop dscp dst dump dynamic ebgp ec echo eclist ecmp
        else empty enable enforce entries error events exit exp expire export exported extended external false fatal
        filename filter filtered filters first flags flow4 flow6 flush for forget fragment free from function garbage
        gateway gc generate generic global graceful gw header hello help hidden high hit hmac hold hop horizon
        hostname ibgp icmp id idle if ifindex ifname ignore import in infinity info instance int interface interfaces
        internal interpret interval ip ipv4 ipv6 iso keep keepalive kernel key keyed label large last latency lc
        lclist learn len length lifetime limit linger link lived lladdr local log long lsa lsadb lsid managed
        mandatory mask master4 master6 match max maxlen md5 medium member memory merge messages meticulous metric
        missing mode mpls mrt mrtdump ms mtu mult multicast multihop multiplier name nbma neighbor neighbors net
        netlink netmask networks next ng no noexport nonbroadcast none normal nssa of off offset older on onlink only
        originate ospf other out packets pair passive password passwords path paths perf period permissive persist
        pipe plaintext pointomultipoint pointopoint poison poll port preexport prefer preference preferred prefix
        prepend pri primary print printn priority private prohibit propagate proto protocol protocols ptmp ptp public
        quad quit ra radv randomize range rd reachable real receive recursive refresh reject rejected reload remote
        repeat require reset resources restart restrict retrans retransmit retry return reverse rfc1583compat rfc5838
        rip ro roa4 roa6 roles route router routes rpki rs rt rx rxcost sadr scan scope sec secondary security self
        sensitive sessions set setkey sets settle sha1 sha256 sha384 sha512 short show shutdown simple skip sockets
        soft solicited sorted source split src ssh stability stale start startup state states static stats status
        stderr strict string stub stubnet summary suppression symbols syslog table tag tcp template then threshold
        tick time timeformat timeout timer to topology trace translator transmit transport trie trigger true ttl tx
        type undo unicast unknown unreachable unset update us user v2 v3 valid validate version via virtual vpn vpn4
        vpn6 vrf wait warn warning watchdog weight where wired wireless yes zero
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}

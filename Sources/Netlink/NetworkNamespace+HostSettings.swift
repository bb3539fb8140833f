extension NetworkNamespace {
    /// Gives a new namespace's IPv4 the settings that a kernel begins with.
    ///
    /// A namespace begins with what the host's administrator has set there, `ip_forward` included
    /// (`net.core.devconf_inherit_init_net`, Documentation/admin-guide/sysctl/net.rst; devinet_init_net, net/ipv4/devinet.c).
    ///
    /// - Throws: `NetlinkError`.
    public func forgetHostSettings() throws {
        // First of all: a change of it changes others.
        try setSysctl("net.ipv4.ip_forward", "0")
        try setSysctls(
            ["all", "default"].flatMap { scope in
                Self.initialSettings.map { (key: "net.ipv4.conf.\(scope).\($0.key)", value: $0.value) }
            } + [("net.ipv4.conf.all.accept_source_route", "0"), ("net.ipv4.conf.default.accept_source_route", "1")])
    }

    /// `ipv4_devconf` and `ipv4_devconf_dflt` (net/ipv4/devinet.c).
    private static let initialSettings: KeyValuePairs = [
        "accept_redirects": "1", "secure_redirects": "1", "send_redirects": "1", "shared_media": "1",
        "accept_local": "0", "arp_accept": "0", "arp_announce": "0", "arp_filter": "0", "arp_ignore": "0",
        "arp_notify": "0", "bootp_relay": "0", "disable_policy": "0", "disable_xfrm": "0", "log_martians": "0",
        "promote_secondaries": "0", "proxy_arp": "0", "proxy_arp_pvlan": "0", "route_localnet": "0",
        "rp_filter": "0", "src_valid_mark": "0", "tag": "0",
    ]
}

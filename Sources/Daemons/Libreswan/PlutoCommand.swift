/// Command lines that speak to a running pluto: each is one short process, in the node, whose programs are of pluto's own version.
///
/// Source: ipsec_whack(8). The program is called directly: `ipsec whack` runs it by a shell script.
public enum PlutoCommand {
    /// Where pluto answers, as its node sees it.
    public static let socketPath = "/run/pluto/pluto.ctl"

    /// A file of pluto's, which keeps the next pluto from starting; as its node sees it.
    public static let processFile = "/run/pluto/pluto.pid"

    /// whack's exit status when nobody listens on the socket.
    public static let notRunningStatus: Int32 = 33

    /// Everything ``PlutoStatus`` reads, with exact byte counts.
    public static let status = whack + ["--status", "--trafficstatus"]

    /// Starts negotiating and does not wait for the end of it.
    public static func initiate(_ connection: String) -> [String] {
        whack + ["--name", connection, "--initiate", "--asynchronous"]
    }

    /// Forgets a connection; the peer is told that its associations are gone.
    public static func unload(_ connection: String) -> [String] {
        whack + ["--name", connection, "--delete"]
    }

    /// Reads a connection from its file. To be run in the node, whose file that is.
    ///
    /// Source: addconn of libreswan 4.10, which `ipsec auto --add` runs.
    public static func load(_ connection: String) -> [String] {
        ["/usr/libexec/ipsec/addconn", "--config", "/etc/ipsec.conf", "--ctlsocket", socketPath, connection]
    }

    /// Reads all secrets anew.
    public static let readSecrets = whack + ["--rereadsecrets"]

    /// Negotiates the connection's child SA anew, at once: to be tried in this order, since libreswan 5 has another word for it.
    public static func renewChild(_ connection: String) -> [[String]] {
        ["--rekey-ipsec", "--rekey-child"].map { whack + ["--name", connection, $0] }
    }

    /// Makes pluto log keys, or no longer: ``PlutoDebugging`` masks them.
    ///
    /// When the command has ended, pluto has done so.
    public static func logPrivate(_ isOn: Bool) -> [String] {
        whack + [isOn ? "--debug" : "--no-debug", "private"]
    }

    private static let whack = ["/usr/libexec/ipsec/whack", "--ctlsocket", socketPath]
}

import CNetlink
import Glibc

/// What the kernel refused, on which object, and what to do about it.
///
/// The number is always the kernel's own errno: it is read from the netlink acknowledgement, since libnl's error
/// codes fold several numbers into one. `kernelMessage` is the acknowledgement's text (NETLINK_EXT_ACK, netlink(7)).
public struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The error number, positive: `EEXIST`, `ENODEV`...
    public let errno: Int32
    /// What was tried, as a verb with its noun: `add route`.
    public let operation: String
    /// What it was tried on: `10.0.0.0/8 via 10.1.1.1 table 100`.
    public let object: String
    /// The kernel's (or libnftables') own words, if it gave any.
    public let kernelMessage: String?

    public init(errno: Int32, operation: String, object: String, kernelMessage: String? = nil) {
        self.errno = errno
        self.operation = operation
        self.object = object
        self.kernelMessage = kernelMessage
    }

    /// The number's symbol: `EEXIST`.
    public var name: String { String(cString: netlab_errno_name(errno)) }

    public var description: String {
        var text = "cannot \(operation)"
        if !object.isEmpty { text += " \(object)" }
        text += ": \(String(cString: netlab_errno_text(errno))) (\(name))"
        let hint = remedy.map { "; \($0)" } ?? ""
        guard let kernelMessage else { return text + hint }
        // An excerpt of several lines, with marks below them, goes last.
        return kernelMessage.contains("\n") ? "\(text)\(hint)\n\(kernelMessage)" : "\(text): \(kernelMessage)\(hint)"
    }

    /// What to do next, for the numbers with one usual cause.
    public var remedy: String? {
        switch errno {
        case EEXIST: "it is there already: delete it first, or replace it"
        case ENOENT, ESRCH: "there is nothing like it: list what exists"
        case ENODEV, ENXIO: "no such interface in this namespace: list the links, and create it first"
        case EPERM, EACCES: "this needs CAP_NET_ADMIN in the namespace: use the lab kernel, or run as root"
        case EOPNOTSUPP, EAFNOSUPPORT, EPROTONOSUPPORT:
            "this kernel lacks it or cannot change it: use the lab kernel, or one with that driver"
        case ENETUNREACH, EHOSTUNREACH:
            "no route leads there: give an interface an address that reaches the gateway, and set it up"
        case ENETDOWN: "the interface is down: set it up first"
        case EADDRNOTAVAIL: "no interface of this namespace has that address: add it first"
        case EBUSY: "something else uses it: remove that first"
        case EMFILE, ENFILE: "too many open descriptors: raise RLIMIT_NOFILE (two or three a namespace are needed)"
        case ENOBUFS: "messages came faster than they were read: drain more often, and list again"
        default: nil
        }
    }
}

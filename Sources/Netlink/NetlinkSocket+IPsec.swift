import CNetlink
import Glibc
import NetworkTypes

/// The kernel's IPsec databases. All throw `EPROTONOSUPPORT` where it has no XFRM; keys are shown to CAP_NET_ADMIN only.
extension NetlinkSocket {
    /// All security associations of the namespace, with their keys and counters.
    ///
    /// - Throws: ``NetlinkError``.
    public func securityAssociations() throws -> [SecurityAssociation] {
        try withXFRM { channel in
            try channel.request(try Message(dump: XFRM_MSG_GETSA), "list security associations")
                .compactMap(SecurityAssociation.init)
        }
    }

    /// Adds a security association; its counters and times start anew.
    ///
    /// - Throws: `EEXIST` where the destination, SPI, protocol and mark are taken; `ENOSYS` or `EPROTONOSUPPORT` where the kernel
    ///   lacks an algorithm.
    public func addSecurityAssociation(_ association: SecurityAssociation) throws {
        try withXFRM { channel in
            _ = try channel.request(try association.addMessage(), "add security association", association.label)
        }
    }

    /// Deletes the association of the same destination, SPI, protocol and mark. Throws `ESRCH` where there is none.
    public func deleteSecurityAssociation(_ association: SecurityAssociation) throws {
        try withXFRM { channel in
            var id = xfrm_usersa_id()
            id.daddr = xfrm_address_t(association.destination)
            id.spi = association.spi.bigEndian
            id.family = UInt16(association.destination.family)
            id.proto = association.protocol.rawValue
            let message = try Message(XFRM_MSG_DELSA, id)
            message.put(association.mark, nil)
            _ = try channel.request(message, "delete security association", association.label)
        }
    }

    /// Deletes all security associations of the namespace; none is no error.
    ///
    /// - Throws: ``NetlinkError``.
    public func flushSecurityAssociations() throws {
        try withXFRM { channel in
            _ = try channel.request(try Message(XFRM_MSG_FLUSHSA, xfrm_usersa_flush()), "flush security associations")
        }
    }

    /// All policies of the namespace but those of single sockets.
    ///
    /// - Throws: ``NetlinkError``.
    public func securityPolicies() throws -> [SecurityPolicy] {
        try withXFRM { channel in
            try channel.request(try Message(dump: XFRM_MSG_GETPOLICY), "list security policies").compactMap(
                SecurityPolicy.init)
        }
    }

    /// Deletes all policies of the namespace but those of single sockets; none is no error.
    ///
    /// - Throws: ``NetlinkError``.
    public func flushSecurityPolicies() throws {
        try withXFRM { channel in
            _ = try channel.request(try Message(bare: XFRM_MSG_FLUSHPOLICY), "flush security policies")
        }
    }

    /// Adds a policy. Throws `EEXIST` where the direction, selector, mark and interface are taken.
    public func addSecurityPolicy(_ policy: SecurityPolicy) throws {
        try withXFRM { channel in
            _ = try channel.request(try policy.addMessage(), "add security policy", policy.label)
        }
    }

    /// Deletes the policy of the same direction, selector, mark and interface. Throws `ENOENT` where there is none.
    public func deleteSecurityPolicy(_ policy: SecurityPolicy) throws {
        try withXFRM { channel in
            _ = try channel.request(try policy.deleteMessage(), "delete security policy", policy.label)
        }
    }
}

import LabModel
import NetworkTypes

extension DeadPeerDetection {
    /// How often and how long the question whether the peer is there is repeated: libreswan's `retransmit-interval` and
    /// `retransmit-timeout`.
    ///
    /// IKEv2 has no timeout of its own for a silent peer: it is asked after `dpddelay`, and dead when the question has
    /// been repeated for `retransmit-timeout`. pluto doubles the wait with each repetition and looks at the timeout only
    /// when a wait ends, so the first wait is chosen to make one end at the timeout: half a second at first would be 32 s
    /// where 20 s were asked for.
    public var retransmission: (interval: Duration, timeout: Duration) {
        let timeout = timeout - delay
        var wait = timeout.wholeNanoseconds / 1_000_000
        while wait > 1000 { wait = (wait + 1) / 2 }
        return (.milliseconds(max(wait, 1)), timeout)
    }
}

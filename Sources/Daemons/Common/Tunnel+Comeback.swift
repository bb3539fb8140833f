import DaemonProfiles
import LabModel

// What the ends of a tunnel do when it is lost, whether netlab or its users wrote that.
extension Tunnel {
    /// Whether an end looks for a peer that has fallen silent.
    public func looksForSilence(_ end: TunnelEnd) -> Bool {
        switch end.configuration {
        case .generated: end.deadPeerDetection != nil
        case .own: end.own?.deadPeerDelay != nil
        }
    }

    /// Whether an end of a running daemon begins a negotiation by itself.
    ///
    /// - Parameters:
    ///   - isLost: Whether its own liveness has given the peer up; else the peer has ended the tunnel, or never was.
    ///   - version: Of the end's daemon.
    public func beginsAnew(_ end: TunnelEnd, isLost: Bool, version: DaemonVersion) -> Bool {
        switch end.configuration {
        case .generated(let startup, let action):
            guard isLost, looksForSilence(end), end.keyDaemon.hasDeadPeerActions(version) else {
                return startup == .initiate
            }
            return action != .clear || startup == .initiate && end.keyDaemon.beginsAfterClear
        case .own:
            guard let own = end.own else { return false }
            // What a file has begun when it was loaded is not begun again unless it says so.
            guard isLost, looksForSilence(end) else { return own.comesBackAfterDelete }
            return own.comesBackAfterSilence
        }
    }
}

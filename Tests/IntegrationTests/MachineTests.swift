import Testing

/// Labs on the host's own kernel that look at all of a machine before and after: inside a lab kernel that has nobody else in it,
/// one after the other. `KillTests.swift` and `CycleTests.swift` have them.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct MachineTests {}

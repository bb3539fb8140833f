import LabModel

extension ClaimReader {
    func sharing() -> Expectation.Claim? {
        guard let probe = probe(),
            let over = fields.required("over", "the tunnels or links that share the traffic"),
            let ways = known(over, .tunnels, .links),
            let flows = number("flows", 2...1000, "a number of flows from 2 to 1000")
        else { return nil }
        guard Set(ways).count > 1 else {
            collector.error(
                over.line, "\(over.path): traffic is shared among several ways",
                "Name two tunnels or links at least, as in `[zone-a, zone-b]`.")
            return nil
        }
        return .sharing(SharingClaim(probe: probe, ways: ways, flows: flows.value ?? SharingClaim.usualFlows))
    }
}

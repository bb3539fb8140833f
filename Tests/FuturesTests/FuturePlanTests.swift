import Futures
import LabModel
import NetworkTypes
import Testing

@Suite struct FuturePlanTests {
    private static let cut = Fault.linkDown("wan")
    private static let shut = Fault.sessionShut("main", node: "a")
    private static let down = Fault.nodeDown("b")

    private static func plan(_ courses: [[[Fault]]] = [[[cut]]], seed: UInt64 = 1) -> FuturePlan {
        FuturePlan(courses: courses, span: .seconds(60), seed: seed)
    }

    /// However many there are: the widest gap is less than three times what it would be if all were alike.
    @Test(arguments: [1, 2, 10, 100, 1000]) func `Moments leave no wide gap`(count: Int) throws {
        let moments = (1...count).map { Self.plan().future($0).moment }.sorted()
        #expect(moments.allSatisfy { $0 >= .zero && $0 < .seconds(60) })
        #expect(Set(moments).count == count)
        let edges = [Duration.zero] + moments + [.seconds(60)]
        let widest = zip(edges, edges.dropFirst()).map { $1 - $0 }.max()
        #expect(try #require(widest) < .seconds(60) * 3 / (count + 1), "\(String(describing: widest))")
    }

    @Test func `A future depends on its number alone`() {
        let future = Self.plan(seed: 40).future(3)
        // Three times the golden ratio, less 4, of a minute.
        #expect(future.seed == 42 && future.number == 3 && future.groups == [[Self.cut]])
        #expect(abs(future.moment.inSeconds - 51.246118) < 0.000001, "\(future.moment)")
        #expect(future.delays == [future.moment])
        #expect(Self.plan(seed: .max).future(2).seed == 0)
    }

    @Test func `Every two faults, in both orders, by turns`() {
        let pairs = FuturePlan.pairs(of: [Self.cut, Self.shut, Self.down])
        #expect(
            pairs == [
                [[Self.cut], [Self.shut]], [[Self.cut], [Self.down]], [[Self.shut], [Self.cut]],
                [[Self.shut], [Self.down]], [[Self.down], [Self.cut]], [[Self.down], [Self.shut]],
            ])
        let plan = Self.plan(pairs)
        #expect((1...12).map { plan.future($0).groups } == pairs + pairs)
        #expect(plan.future(1).delays == plan.future(6).delays)
        #expect(plan.future(1).delays.count == 2 && plan.future(1).delays != plan.future(7).delays)
        // Both moments of a pair go through all of the span, and neither tells the other.
        let delays = stride(from: 1, through: 6 * 256, by: 6).map { plan.future($0).delays }
        let quarters = Set(delays.map { $0.map { Int($0.components.seconds / 15) } })
        #expect(quarters.count == 16)
    }
}

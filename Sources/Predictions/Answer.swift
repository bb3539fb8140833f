import Daemons
import LabModel
import NetworkTypes

/// A prediction in the making: its effect follows from whether the probe is answered at once and in the end, and each
/// step adds its reason.
struct Answer {
    let fault: String
    let probe: String
    let before: Predictor.Journey
    var reasons: [String]

    init(fault: String, probe: String, before: Predictor.Journey) {
        self.fault = fault
        self.probe = probe
        self.before = before
        reasons = [before.summary("Before the fault")]
    }

    func prediction(
        _ effect: Prediction.Effect, comeback: Window? = nil, during: Predictor.Journey? = nil
    ) -> Prediction {
        Prediction(
            fault: fault, probe: probe, effect: effect, comeback: comeback, before: before.way, during: during?.way,
            reasons: reasons)
    }

    /// No answer in the end.
    func down(
        _ loss: String, _ atOnce: Predictor.Journey, _ moment: Moment, _ impact: Impact, _ restoration: Restoration,
        _ topology: Topology
    ) -> Prediction {
        var answer = self
        if let first = atOnce.loss, first != loss { answer.reasons.append("At once: \(first).") }
        if atOnce.loss == nil { answer.reasons.append("At first the probe's packets still get through.") }
        answer.reasons += moment.changes.flatMap(\.reasons)
        answer.reasons.append(
            moment.changes.isEmpty
                ? "In the end \(loss). No daemon notices that could change a route: static routes never fail over."
                : "In the end \(loss), and no other route is left.")
        answer.reasons += restoration.reasons
        var prediction = answer.prediction(.untilHealed, comeback: restoration.window)
        if atOnce.loss == nil {
            prediction.begins = Window.spanning(moment.changes.map(\.window))
        }
        return prediction
    }

    /// No answer until a tunnel has come back by itself.
    func recovering(
        _ atOnce: Predictor.Journey, _ recoveries: [Recovery], _ after: Predictor.Journey
    ) -> Prediction {
        var answer = self
        answer.reasons.append("At once: \(atOnce.loss ?? "").")
        let needed = recoveries.filter { recovery in before.all.contains { $0.uses(recovery.side.name) } }
        answer.reasons += needed.map(\.reason)
        let latest = needed.map(\.window.latest).max() ?? .zero
        answer.reasons.append("No hold timer is over by then, so no route changes.")
        return answer.prediction(.outage(Window(.zero, latest + after.roundTrip)), during: after)
    }

    /// No answer until routes have changed.
    ///
    /// - Parameter chance: What may end it at any time before, and why that is not known; nil for nothing.
    func outage(
        _ loss: String, ending changes: [RouteChange], _ after: Predictor.Journey, _ restoration: Restoration,
        unless chance: String? = nil
    ) -> Prediction {
        var answer = self
        answer.reasons.append("At once: \(loss).")
        answer.reasons += changes.flatMap(\.reasons)
        let window = Window(
            chance == nil ? changes.map(\.window.earliest).max() ?? .zero : .zero,
            (changes.map(\.window.latest).max() ?? .zero) + after.roundTrip)
        answer.reasons.append(
            (changes.count > 1
                ? "An answer needs both directions, so the later of these changes ends the outage; the" : "The")
                + " first round trip on the other way takes \(after.roundTrip.shortText) more: \(window.text) in all.")
        if let chance { answer.reasons.append("It may end sooner: \(chance).") }
        answer.reasons.append(after.summary("Then"))
        answer.reasons += restoration.reasons
        return answer.prediction(.outage(window), comeback: restoration.window, during: after)
    }

    /// No answer until sessions that begin anew are up again.
    func beginning(
        anew loss: String, _ after: Predictor.Journey, _ impact: Impact, _ propagation: Duration
    ) -> Prediction {
        var answer = self
        let window = Window(.zero, impact.comeback.latest + after.roundTrip + propagation)
        answer.reasons += [
            "What the sessions told is withdrawn until they are up again, at both ends, and no other route is left: \(loss).",
            "They come back by themselves: \(impact.comeback.text) later their routes are in use again; with the first round trip \(window.text) in all.",
        ]
        return answer.prediction(.outage(window), during: after)
    }

    /// Answers at once and in the end.
    func uninterrupted(
        _ after: Predictor.Journey, _ moment: Moment, _ gap: Duration?, _ impact: Impact, _ restoration: Restoration,
        _ propagation: Duration
    ) -> Prediction {
        var answer = self
        let changesWay = after.crossings != before.crossings
        if gap == nil, !changesWay, !impact.interrupts(before) {
            if let degradation = impact.degradation(of: before) {
                answer.reasons.append(degradation.reason)
                return answer.prediction(.degraded, during: after)
            }
            answer.reasons.append("None of that keeps the probe's packets, or the routes they follow.")
            return answer.prediction(.none)
        }
        answer.reasons += moment.changes.flatMap(\.reasons)
        if let gap {
            answer.reasons.append(
                "Between these changes one direction has changed its way and the other has not, and that does not work."
            )
            answer.reasons.append(after.summary("Then"))
            answer.reasons += restoration.reasons
            return answer.prediction(
                .outage(Window(.zero, gap + after.roundTrip + propagation)), comeback: restoration.window, during: after
            )
        }
        answer.reasons.append(
            propagation > .zero
                ? "Nobody is cut off: the old way works until its first node takes the route back, and those before it send there until they know."
                : "No packet is lost: the old way works until each route changes, and the route that remains is there already."
        )
        if impact.interrupts(before) {
            answer.reasons.append(
                "The session comes back by itself: \(impact.comeback.text) later its routes are in use again."
            )
        }
        answer.reasons.append(after.summary("Then"))
        answer.reasons += restoration.reasons
        return answer.prediction(
            .outage(Window(.zero, after.roundTrip + propagation)), comeback: restoration.window, during: after)
    }
}

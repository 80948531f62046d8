import SluiceCore
import Testing

@Suite struct ClassifierTests {
    /// Classes, by index: 0 `live` (now), 1 `quick` (now, 300 ms), 2 `batch` (later, 24 h), 3 `night` (later, held 2 s).
    private var sample: SamplePolicy {
        var sample = SamplePolicy(prices: ["1"])
        sample.addClass("quick", .now) {
            $0.latency = LatencyBudget(firstToken: .milliseconds(300), total: .seconds(10))
            $0.maxCost = Money("0.5")
        }
        sample.addClass("batch", .later) { $0.deadline = .seconds(86_400) }
        sample.addClass("night", .later) {
            $0.deadline = .seconds(3600)
            $0.hold = .seconds(120)
        }
        sample.putRoute(to: 2) { $0.async = true }
        return sample
    }

    private func request(_ change: (inout InferenceRequest) -> Void = { _ in }) -> InferenceRequest {
        var request = InferenceRequest(endpoint: .chat, tenant: "default", model: "chat")
        change(&request)
        return request
    }

    private func decide(_ sample: SamplePolicy, _ request: InferenceRequest, tenant change: (inout Tenant.Terms) -> Void = { _ in }) throws(Refusal) -> Decision
    {
        var terms = Tenant.Terms()
        change(&terms)
        let tenant = Tenant(index: 0, name: "default", terms: terms)
        return try Classifier(policy: sample.policy).classify(request, tenant: tenant, at: SamplePolicy.noon)
    }

    private func refusal(_ sample: SamplePolicy, _ request: InferenceRequest, tenant change: (inout Tenant.Terms) -> Void = { _ in }) -> Refusal? {
        do throws(Refusal) {
            _ = try self.decide(sample, request, tenant: change)
            return nil
        } catch {
            return error
        }
    }

    @Test func theFirstRouteThatMatchesDecides() throws {
        #expect(try self.decide(self.sample, self.request()).trafficClass == 0)
        let patient = try self.decide(self.sample, self.request { $0.consent = .respondAsync(wait: nil) })
        #expect(patient.route == 0 && patient.trafficClass == 2)
    }

    @Test func withoutARouteNothingIsServed() {
        var sample = self.sample
        sample.parts.routes.removeLast()
        #expect(self.refusal(sample, self.request())?.status == 404)
    }

    // MARK: Models

    @Test func anUnknownModelIsToldWhatItMayHaveBeen() {
        let refusal = self.refusal(self.sample, self.request { $0.model = "chta" })
        #expect(refusal?.status == 404 && refusal?.code == .modelNotFound && refusal?.message.contains("`chat`") == true)
    }

    @Test func namesOfModelsThatATenantMayNotUseAreNotToldEither() {
        let refusal = self.refusal(self.sample, self.request { $0.model = "chta" }) { $0.models = [Glob("other")] }
        #expect(refusal?.message.contains("did you mean") == false)
    }

    @Test func aModelThatTheTenantMayNotUseIs403() {
        let refusal = self.refusal(self.sample, self.request()) { $0.models = [Glob("gpt-*")] }
        #expect(refusal?.status == 403 && refusal?.code == .modelNotAllowed)
    }

    @Test func aModelThatNobodyServesOnTheEndpointIs404() {
        #expect(self.refusal(self.sample, self.request { $0.endpoint = .messages })?.code == .modelNotFound)
    }

    // MARK: Wishes for a class

    @Test(arguments: [("batch", 2), ("live", 0)])
    func towardsMorePatienceEverybodyMayGo(_ name: String, _ index: Int) throws {
        let decision = try self.decide(
            self.sample,
            self.request {
                $0.wishes.trafficClass = name
                $0.consent = name == "live" ? .none : .waitingClass
            })
        #expect(decision.trafficClass == index)
    }

    @Test func towardsMoreUrgencyOnlyWhoIsListed() throws {
        let request = self.request { $0.wishes.trafficClass = "quick" }
        #expect(self.refusal(self.sample, request)?.code == .classNotAllowed)
        #expect(try self.decide(self.sample, request, tenant: { $0.classes = [1] }).trafficClass == 1)
        #expect(try self.decide(self.sample, request, tenant: { $0.classes = nil }).trafficClass == 1)
    }

    @Test func anUnknownClassIs400WithANearName() {
        let refusal = self.refusal(self.sample, self.request { $0.wishes.trafficClass = "batsh" })
        #expect(refusal?.status == 400 && refusal?.message.contains("`batch`") == true)
    }

    // MARK: Budgets and costs

    @Test func theTighterBudgetCounts() throws {
        let decision = try self.decide(
            self.sample,
            self.request {
                $0.wishes.trafficClass = "quick"
                $0.wishes.latency = LatencyBudget(firstToken: .milliseconds(500), total: .seconds(2))
                $0.wishes.maxCost = Money("0.1")
            }, tenant: { $0.classes = nil })
        #expect(decision.budget == LatencyBudget(firstToken: .milliseconds(300), total: .seconds(2)))
        #expect(decision.maxCost == Money("0.1"))
    }

    @Test func aBareBudgetBoundsTheFirstTokenOfAStreamAndTheTotalOfAWholeAnswer() throws {
        func budget(_ isStream: Bool) throws -> LatencyBudget {
            try self.decide(
                self.sample,
                self.request {
                    $0.isStream = isStream
                    $0.wishes.plainBudget = .seconds(1)
                }
            ).budget
        }
        #expect(try budget(true) == LatencyBudget(firstToken: .seconds(1)))
        #expect(try budget(false) == LatencyBudget(total: .seconds(1)))
    }

    @Test func theCallersTimeoutBoundsAWholeAnswerAndNeverTheTotalOfAStream() throws {
        func total(_ isStream: Bool) throws -> Duration? {
            try self.decide(
                self.sample,
                self.request {
                    $0.isStream = isStream
                    $0.wishes.readTimeout = .seconds(5)
                }
            ).budget.total
        }
        #expect(try total(false) == .seconds(5) && total(true) == nil)
    }

    // MARK: Waiting

    @Test func whoNeverConsentedIsNotMadeToWait() {
        var sample = self.sample
        sample.parts.routes[1].trafficClass = 2
        let refusal = self.refusal(sample, self.request())
        #expect(refusal?.status == 422 && refusal?.code == .mustBeAsync && refusal?.shouldRetry == false)
    }

    @Test(arguments: [
        (Consent.respondAsync(wait: .seconds(10)), Decision.WaitAnswer.job(wait: .seconds(10))), (.deadline, .job(wait: nil)), (.waitingClass, .job(wait: nil)),
        (.background, .queued), (.batch, .queued),
    ])
    func consentDecidesHowItIsAnswered(_ consent: Consent, _ answer: Decision.WaitAnswer) throws {
        #expect(try self.decide(self.sample, self.request { $0.consent = consent }).wait?.answer == answer)
    }

    @Test(
        arguments: [
            // The caller's time-out, the hold of the class, how long the connection is kept.
            (nil, nil, 570), (60, nil, 30), (100, nil, 70), (40, nil, 20), (600, 120, 120), (40, 120, 20),
        ] as [(Int?, Int?, Int)])
    func aTierWaitsOnItsConnectionAsLongAsTheCallerStays(_ timeout: Int?, _ hold: Int?, _ expected: Int) throws {
        var sample = self.sample
        sample.parts.classes[2].hold = hold.map { .seconds($0) }
        let decision = try self.decide(
            sample,
            self.request {
                $0.consent = .tier
                $0.wishes.readTimeout = timeout.map { .seconds($0) }
            })
        #expect(decision.wait?.answer == .hold(.seconds(expected)))
    }

    @Test func aHeldConnectionIsNoLongerThanItsClientWaits() throws {
        var sample = self.sample
        sample.parts.routes[1].trafficClass = 3
        #expect(try self.decide(sample, self.request()).wait?.answer == .hold(.seconds(120)))
        #expect(try self.decide(sample, self.request { $0.wishes.readTimeout = .seconds(30) }).wait?.answer == .hold(.seconds(30)))
    }

    @Test func theDeadlineIsTheClientsElseTheClasss() throws {
        let plain = try self.decide(self.sample, self.request { $0.consent = .respondAsync(wait: nil) })
        #expect(plain.wait?.deadline == SamplePolicy.noon + .seconds(86_400))
        let wished = try self.decide(
            self.sample,
            self.request {
                $0.consent = .deadline
                $0.wishes.deadline = .within(.seconds(60))
            })
        #expect(wished.wait?.deadline == SamplePolicy.noon + .seconds(60))
        let late = self.refusal(
            self.sample,
            self.request {
                $0.consent = .deadline
                $0.wishes.deadline = .at(SamplePolicy.noon)
            })
        #expect(late?.status == 400 && late?.param == "Sluice-Deadline")
    }

    @Test func workIsHeldUntilItsWindowOpens() throws {
        var sample = self.sample
        var hours = DispatchWindow.Hours(zone: "UTC")
        hours.ranges = [DispatchWindow.SecondsOfDay(start: 22 * 3600, end: 6 * 3600)]
        sample.parts.classes[2].during = .hours(hours)
        let decision = try self.decide(sample, self.request { $0.consent = .respondAsync(wait: nil) })
        #expect(decision.wait?.notBefore == SamplePolicy.noon + .seconds(36_000))
    }

    @Test func promotionComesInTimeForTheDeadlineOfTheClassOrHalfOfTheClients() throws {
        var sample = self.sample
        sample.parts.classes[2].promote = TrafficClass.Promotion(beforeDeadline: .seconds(3600), pool: 0)
        func promotion(_ deadline: ClientWishes.Deadline?) throws -> Decision.Wait? {
            try self.decide(
                sample,
                self.request {
                    $0.consent = .respondAsync(wait: nil)
                    $0.wishes.deadline = deadline
                }
            ).wait
        }
        #expect(try promotion(nil)?.promoteAt == SamplePolicy.noon + .seconds(86_400 - 3600))
        #expect(try promotion(.within(.seconds(600)))?.promoteAt == SamplePolicy.noon + .seconds(300))
        #expect(try promotion(.within(.seconds(36_000)))?.promoteAt == SamplePolicy.noon + .seconds(36_000 - 3600))
        #expect(try promotion(nil)?.promoteTo == 0)
    }

    // MARK: Substitutions

    @Test func aSubstitutionReplacesTheModelForTheClassesItNames() throws {
        var sample = self.sample
        let small = sample.addModel("small") { $0.precision = .fp8 }
        sample.parts.substitutions = [Substitution(index: 0, models: [0], with: small, why: "good enough", classes: [2])]
        #expect(try self.decide(sample, self.request()).model == 0)
        let patient = try self.decide(sample, self.request { $0.consent = .batch })
        #expect(patient.requested == 0 && patient.model == small && patient.substitutions == [0])
        sample.parts.substitutions[0].minPrecision = .fp16
        #expect(try self.decide(sample, self.request { $0.consent = .batch }).model == 0, "nobody offers it that finely")
    }
}

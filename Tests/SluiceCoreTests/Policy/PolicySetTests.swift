import SluiceCore
import Testing

@Suite struct PolicySetTests {
    private var policy: PolicySet {
        var sample = SamplePolicy(prices: ["1"])
        var terms = Tenant.Terms()
        terms.keys = [Glob("research-*")]
        sample.parts.tenants = [Tenant(index: 0, name: "research", terms: terms), Tenant(index: 1, name: "support"), Tenant(index: 2, name: "default")]
        return sample.policy
    }

    @Test(
        arguments: [
            ("research-1", nil, "research"), ("other", nil, "default"), ("research-1", "support", "support"), ("other", "gone", "default"),
            ("research-1", "gone", "research"),
        ] as [(String, String?, String)])
    func aKeyBelongsToTheTenantItWasMadeForElseToTheFirstThatItFits(_ key: String, _ madeFor: String?, _ tenant: String) {
        #expect(self.policy.tenant(ofKey: key, madeFor: madeFor).name == tenant)
    }
}

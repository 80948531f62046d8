import SluiceCore

extension PolicyLinker {
    mutating func owned(_ record: OwnedRecord, at span: SourceSpan) -> Backend.Owned {
        var owned = Backend.Owned(
            capex: record.capex.value, lifeMonths: record.life.value, residual: record.residual.value, monthlyOpex: record.opex.value,
            gpus: record.gpus.value,
            charge: record.charge.value)
        owned.tokensPerHour = record.tokensPerHour.value
        if record.charge.value == .byToken, record.tokensPerHour.value == nil, !record.tokensPerHour.isGiven {
            self.report(
                .error, .missingKey, "`charge: by-token` needs `tokens_per_hour`, the measured capacity", at: record.charge.span ?? span)
        }
        if let power = record.power.value {
            for entry in power.during.value { _ = self.resolve(entry.name, in: self.windows) }
            owned.power = Backend.Owned.Power(
                idleWatts: power.idle.value, busyWatts: power.busy.value, pricePerKWh: power.pricePerKWh.value,
                during: power.during.value.map { (window: $0.name.text, price: $0.value) })
        }
        return owned
    }

    mutating func rented(_ record: RentedRecord, zone: String) -> Backend.Rented {
        var rented = Backend.Rented(hourlyRate: record.rate.value, gpus: record.gpus.value)
        rented.when = self.window(anyOf: record.when.value, zone: zone)
        rented.start = record.start.value?.text
        rented.stop = record.stop.value?.text
        return rented
    }

    mutating func checkHardware(_ record: BackendRecord) {
        if let span = record.rented.span, record.rented.value != nil, record.owned.value != nil {
            self.report(.error, .notApplicable, "a backend is either `owned` or `rented`", at: span)
        }
    }
}

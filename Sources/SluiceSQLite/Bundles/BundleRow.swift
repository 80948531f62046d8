import GRDB
import SluiceCore

/// Rows of the table `bundle`.
enum BundleRow {
    private static let columns = """
        bundle.id, bundle.token, bundle.backend, bundle.model, bundle.endpoint, bundle.state, bundle.up_file, bundle.up_batch, bundle.created_ms,
        bundle.submitted_ms, bundle.pull_ms, bundle.hedge_ms, bundle.leftovers, bundle.last_error,
        (SELECT count(*) FROM bundle_line WHERE bundle_line.bundle = bundle.id),
        (SELECT count(*) FROM bundle_line JOIN job ON job.id = bundle_line.job WHERE bundle_line.bundle = bundle.id AND \(BundleRow.isCurrent))
        """
    /// The job still waits for this line.
    static let isCurrent = "job.state = \(JobState.bundled.rawValue) AND job.lease = bundle_line.lease AND job.owner = bundle_line.owner"

    static let byID = "SELECT \(BundleRow.columns) FROM bundle WHERE id = ?"
    static let open = "SELECT \(BundleRow.columns) FROM bundle WHERE state < 4 OR leftovers <> '' ORDER BY id"

    static func read(_ row: RawRow) throws -> Bundle {
        guard let state = BundleState(rawValue: row.int(5)), let endpoint = Endpoint(name: row.text(4)) else {
            throw StoreError(.incompatible, "bundle \(row.text(1)) has a state or an endpoint that this Sluice does not know")
        }
        var bundle = Bundle(
            id: row.long(0), token: row.text(1), backend: row.text(2), model: row.text(3), endpoint: endpoint, created: Timestamp(milliseconds: row.long(8)))
        bundle.state = state
        bundle.file = row.textOrNil(6)
        bundle.batch = row.textOrNil(7)
        bundle.submitted = row.longOrNil(9).map(Timestamp.init(milliseconds:))
        bundle.pullAt = row.longOrNil(10).map(Timestamp.init(milliseconds:))
        bundle.hedgeAt = row.longOrNil(11).map(Timestamp.init(milliseconds:))
        bundle.leftovers = row.text(12).split(separator: "\n").map(String.init)
        bundle.lastError = row.textOrNil(13)
        bundle.lines = row.int(14)
        bundle.running = row.int(15)
        return bundle
    }
}

extension BundleState {
    /// The guard of a statement that carries out `event`.
    static func allows(_ event: Event) -> String {
        "state IN (\(BundleState.sources(of: event).map { String($0.rawValue) }.joined(separator: ", ")))"
    }

    static func target(of event: Event) -> BundleState {
        guard let state = BundleState.sources(of: event).first?.after(event) else { preconditionFailure("\(event) leads nowhere") }
        return state
    }
}

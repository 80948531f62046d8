import HTTPTypes
import Hummingbird
import SluiceCore
import Synchronization

/// Which methods each path of the API takes, for requests that come with another one.
final class RouteMethods: Sendable {
    private let routes = Mutex<[(parts: [Substring], method: String)]>([])

    /// To be called once all routes are there.
    func learn(_ routes: [(path: String, method: HTTPRequest.Method)]) {
        self.routes.withLock { $0 = routes.map { ($0.path.split(separator: "/").map { $0[...] }, $0.method.rawValue) } }
    }

    /// The methods that a path takes in place of the request's own; none where there is nothing at it.
    func allowed(inPlaceOf request: Request) -> [String] {
        let parts = request.uri.path.split(separator: "/")
        var methods = Set(self.routes.withLock { routes in routes.filter { RouteMethods.matches($0.parts, parts) }.map(\.method) })
        // Each router answers HEAD where it answers GET.
        if methods.contains("GET") { methods.insert("HEAD") }
        // One that is taken and still found nothing has another path than it seems, such as one with a slash behind it.
        return methods.contains(request.method.rawValue) ? [] : methods.sorted()
    }

    private static func matches(_ route: [Substring], _ path: [Substring]) -> Bool {
        if route.last == "**" { return path.count >= route.count && zip(route.dropLast(), path).allSatisfy { $0 == $1 } }
        return route.count == path.count && zip(route, path).allSatisfy { $0 == $1 || $0.hasPrefix(":") || $0.hasPrefix("{") }
    }
}

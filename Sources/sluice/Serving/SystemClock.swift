import Glibc
import SluiceCore
import SluiceDispatch

extension SluiceClock {
    /// The system's clocks; the wall clock shifted for the demo.
    static func system(shift: Duration = .zero) -> SluiceClock {
        let milliseconds = shift.milliseconds
        return SluiceClock {
            var wall = timespec()
            var monotonic = timespec()
            clock_gettime(CLOCK_REALTIME, &wall)
            clock_gettime(CLOCK_MONOTONIC, &monotonic)
            return Now(
                wall: Timestamp(milliseconds: Int64(wall.tv_sec) * 1000 + Int64(wall.tv_nsec) / 1_000_000 + milliseconds),
                monotonic: MonotonicInstant(nanoseconds: Int64(monotonic.tv_sec) * 1_000_000_000 + Int64(monotonic.tv_nsec)))
        }
    }
}

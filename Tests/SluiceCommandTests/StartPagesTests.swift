import Testing

@testable import sluice

@Suite struct StartPagesTests {
    @Test(
        arguments: [
            ("55e9e85f1000-55e9e964f000 r-xp 006da000 fe:00 1081974                    /usr/bin/sluice\n", 0x55e9_e85f_1000..<0x55e9_e964_f000),
            ("55e9e964f000-55e9e9708000 r--p 01737000 fe:00 1081974                    /usr/bin/sluice\n", nil),
            ("55e9e9708000-55e9e98a6000 rw-p 017ef000 fe:00 1081974                    /usr/bin/sluice\n", nil),
            ("7ffd1d5f2000-7ffd1d5f4000 r-xp 00000000 00:00 0                          [vdso]\n", nil),
            ("7f0000000000-7f0000021000 rwxp 00000000 00:00 0 \n", nil),
            ("", nil),
        ] as [(String, Range<UInt>?)])
    func onlyTextOfFilesThatCannotBeWrittenIsGivenBack(line: String, range: Range<UInt>?) {
        #expect(StartPages.text(line) == range)
    }

    @Test func whatWasGivenBackComesAgain() {
        StartPages.giveBack()
        #expect(StartPages.text("1000-2000 r-xp 0 fe:00 1 /a") == 0x1000..<0x2000)
    }
}

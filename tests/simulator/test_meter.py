from waypost.simulator.bill import Bill, Tokens
from waypost.simulator.meter import Meter
from waypost.simulator.wire import Made


def test_a_line_has_the_whole_prompt_and_what_was_written() -> None:
    bill = Bill()
    prompt = Tokens(20, 5, 0, cache_write=4, cache_write_1h=2)
    meter = Meter(bill, "r", "sim-fast", "chat", prompt)
    meter.add(Made(3, 1))
    meter.add(Made(1))
    meter.close("done")
    meter.close("cancelled")
    (line,) = bill.lines
    assert line.tokens == Tokens(20, 5, 0, 4, 1, 0, 4, 2)
    # 9 at 0.25, 5 at 0.025, 4 at 0.3125, 2 at 0.50, 4 at 2.00 dollars per million.
    assert line.nusd == 2250 + 125 + 1250 + 1000 + 8000


def test_nothing_written_is_not_billed_unless_the_provider_keeps_on() -> None:
    bill = Bill()
    Meter(bill, "r", "sim-fast", "chat", Tokens(5)).close("cancelled")
    assert bill.count == 0
    Meter(bill, "r", "sim-fast", "chat", Tokens(5), Made(7, 2, 1)).close("cancelled")
    assert [line.tokens for line in bill.lines] == [Tokens(5, 0, 0, 7, 2, 1)]

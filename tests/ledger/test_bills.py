from __future__ import annotations

from datetime import date

import pytest

from waypost.errors import ConfigError
from waypost.ledger.bills import Charge, folded, parse_columns, read_bill

OPENAI = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,"
    "user_id,api_key_id,project_id,organization_id,project_name,organization_name,user_email,api_source\n"
    "1790467200,1790553600,2026-09-27T00:00:00+00:00,2026-09-28T00:00:00+00:00,,,,,,,,,,,,,\n"
    "1790553600,1790640000,2026-09-28T00:00:00,2026-09-29T00:00:00,0.003835980000000000000000000001,usd,1000,tokens,"
    '"gpt-5-nano, input_tokens",,,,org,,,,\n'
    '1790553600,1790640000,2026-09-28T00:00:00,2026-09-29T00:00:00,0.5,USD,9,tokens,"gpt-5-nano, output_tokens",,,,org,'
    ",,,\n"
)
ANTHROPIC = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
    "inference_geo,speed,api_key_id,api_key_status\n"
    "2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.05,0.05,token,,,apikey_1,active\n"
    "2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,output,0.02,0.02,token,not_available,,apikey_1,active\n"
    "2026-08-05,Claude Opus 4.5,Default,k,message,≤ 200k,output,0.30,0.30,token,not_available,,apikey_1,active\n"
)


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_openai() -> None:
    bill = read_bill(lines(OPENAI))
    assert (bill.layout, bill.rows, bill.without_cost) == ("openai", 3, 1)
    assert bill.charges == (Charge(date(2026, 9, 28), "gpt-5-nano", 503_835_980),)


def test_openai_that_is_not_grouped() -> None:
    bill = read_bill(
        lines(OPENAI.replace('"gpt-5-nano, input_tokens"', "").replace('"gpt-5-nano, output_tokens"', ""))
    )
    assert [charge.model for charge in bill.charges] == [""]


def test_anthropic() -> None:
    bill = read_bill(lines(ANTHROPIC))
    assert (bill.layout, bill.rows) == ("anthropic", 3)
    assert bill.charges == (
        Charge(date(2026, 8, 4), "Claude Haiku 4.5", 70_000_000),
        Charge(date(2026, 8, 5), "Claude Opus 4.5", 300_000_000),
    )
    assert bill.days == (date(2026, 8, 4), date(2026, 8, 5))


def test_columns_named_by_hand() -> None:
    columns = parse_columns("date=Day, model=SKU ,cost=USD")
    text = "Day,SKU,USD\n2026-11-26T23:30:00-02:00,m,$1.25\n1795651200,m,-0.25\n"
    assert read_bill(lines(text), columns).charges == (
        Charge(date(2026, 11, 26), "m", -250_000_000),
        Charge(date(2026, 11, 27), "m", 1_250_000_000),
    )
    only = parse_columns("date=Day,cost=USD")
    assert [charge.model for charge in read_bill(lines(text), only).charges] == ["", ""]


@pytest.mark.parametrize("text", ["", "date", "date=a", "cost=b", "day=a,cost=b", "date=,cost=b"])
def test_columns_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="--columns"):
        parse_columns(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "(none)"),
        ("foo,bar\n1,2\n", "foo, bar"),
        ("start_time_iso,model,input_tokens,output_tokens\n", "export of tokens"),
        ("usage_date_utc,model_version,usage_output_tokens\n", "export of tokens"),
        ("usage_date_utc,model,token_type,cost_usd\nAugust,m,x,1\n", "line 2: 'August' is not a date"),
        ("usage_date_utc,model,token_type,cost_usd\n2026-08-04,m,x,1\n2026-08-04,m,x,1,50\n", None),
        (
            'usage_date_utc,model,token_type,cost_usd\n2026-08-04,m,x,"0,05"\n',
            "line 2: '0,05' is not an amount",
        ),
        ("usage_date_utc,model,token_type,cost_usd\n2026-08-04,m,x,NaN\n", "is not an amount"),
        ('usage_date_utc,model,token_type,cost_usd\n2026-08-04,"m"x,x,1\n', "is not a CSV file"),
        (OPENAI.replace("USD", "eur"), "line 4: the amount is in 'eur'"),
    ],
)
def test_what_can_not_be_read_is_told_with_its_line(text: str, told: str | None) -> None:
    if told is None:
        assert read_bill(lines(text)).rows == 2
        return
    with pytest.raises(ConfigError) as caught:
        read_bill(lines(text))
    assert told in caught.value.message


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no column 'C'"):
        read_bill(lines("A,B\n"), parse_columns("date=A,cost=C"))


@pytest.mark.parametrize(
    ("billed", "booked"),
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("Claude Sonnet 3.5", "claude-3-5-sonnet-20241022"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-5-nano", "openai/gpt-5-nano"),
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet"),
        ("GPT-4.1 mini", "gpt-4.1-mini-2025-04-14"),
    ],
)
def test_one_model_under_two_names(billed: str, booked: str) -> None:
    assert folded(billed) == folded(booked)


def test_other_models_stay_apart() -> None:
    names = [
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4.1",
        "gpt-5",
        "claude-opus-4",
        "claude-opus-4-1",
        "claude-sonnet-4",
        "o3",
    ]
    assert len({folded(name) for name in names}) == len(names)

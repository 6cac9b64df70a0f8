# SPDX-License-Identifier: Apache-2.0
"""asyncio through the completion queue."""

import asyncio
import gc

import pytest
import weighbridge


def test_a_score_awaited_is_the_same_score(mlp, payments):
    expected = mlp.score(payments).score

    async def run(inline):
        return [(await mlp.score_async(row, inline=inline)).score for row in payments]

    async def together():
        return [s.score for s in await asyncio.gather(*(mlp.score_async(row, inline=False) for row in payments * 20))]

    for inline in (True, False):
        assert asyncio.run(run(inline)) == expected.tolist()  # each run has a loop, and so a queue, of its own
    assert asyncio.run(together()) == expected.tolist() * 20


def test_every_form_of_one_payment(mlp, payments):
    async def run():
        row = mlp.row(payments[0])
        for form in (row, payments[0]):
            for inline in (True, False):
                assert (await mlp.score_async(form, inline=inline)).score == expected
        with pytest.raises(weighbridge.InvalidInput, match="expected a dict"):
            await mlp.score_async(7)
        many, again = await asyncio.gather(mlp.score_async(payments * 40), mlp.score_async(payments))
        assert many.score[0] == again.score[0] == expected and len(many.score) == 40 * len(payments)

    expected = mlp.score(payments[0]).score
    asyncio.run(run())


def test_errors_come_where_they_are_awaited(mlp, payments):
    async def run(inline):
        with pytest.raises(weighbridge.InvalidInput, match="amount_minor") as refused:
            await mlp.score_async({**payments[0], "amount_minor": -1}, inline=inline)
        assert mlp.schema.names[refused.value.feature] == "amount_minor"
        late = await mlp.score_async(payments[0], timeout=0, inline=inline)
        assert late.is_fallback and late.reason == "deadline"

    for inline in (True, False):
        asyncio.run(run(inline))


def test_slots_and_several_engines(fixtures):
    row = {"amount_minor": 1250, "country": "FR", "online": True}

    async def run():
        for _ in range(2):
            engine = weighbridge.Engine(contexts=1)
            slot = engine.slot("champion", create=True)
            with pytest.raises(weighbridge.NotLoaded):
                await slot.score_async(row)
            slot.load(fixtures / "mlp")
            assert (await slot.score_async(row, inline=False)).score == slot.score(row).score

    asyncio.run(run())


def test_the_loop_goes_on_while_the_library_works(mlp, payments):
    async def run():
        turns, stop = 0, False

        async def count():
            nonlocal turns
            while not stop:
                turns += 1
                await asyncio.sleep(0)

        counter = asyncio.create_task(count())
        await asyncio.gather(*(mlp.score_async(row, inline=False) for row in payments * 5))
        stop = True
        await counter
        return turns

    assert asyncio.run(run()) > 3


def test_a_cancelled_task_cancels_its_call(mlp, payments):
    async def run():
        tasks = [asyncio.create_task(mlp.score_async(row, inline=False)) for row in payments * 10]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, (asyncio.CancelledError, weighbridge.Score)) for one in done)
        assert all(isinstance(one, weighbridge.Score) for one in done[1::2])
        assert (await mlp.score_async(payments[0], inline=False)).status == 0

    asyncio.run(run())
    assert mlp.engine.snapshot()["waiting"] == 0


def test_closing_the_engine_completes_what_waits(fixtures):
    row = {"amount_minor": 1250, "country": "FR", "online": True}

    async def run():
        engine = weighbridge.Engine(contexts=1, async_threads=0)  # nobody works: all of it waits
        model = engine.load(fixtures / "mlp")
        waiting = [asyncio.create_task(model.score_async(row, inline=False)) for _ in range(20)]
        await asyncio.sleep(0)
        assert engine.work(timeout=0) <= 20
        engine.close()
        return await asyncio.gather(*waiting, return_exceptions=True)

    done = asyncio.run(run())
    assert all(isinstance(one, (weighbridge.Closed, weighbridge.Score)) for one in done)
    assert any(isinstance(one, weighbridge.Closed) for one in done)


def test_queues_go_with_their_loops(mlp, payments):
    async def run():
        await mlp.score_async(payments[0], inline=False)

    asyncio.run(run())
    gc.collect()
    before = mlp.engine.snapshot()["handles"][12]
    for _ in range(5):
        asyncio.run(run())
    gc.collect()
    assert mlp.engine.snapshot()["handles"][12] <= before

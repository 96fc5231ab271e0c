from .bench import Bench, Report
async def run(bench: Bench) -> Report: return Report()

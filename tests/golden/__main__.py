"""Write the golden files anew: `python -m tests.golden`."""

from tests.golden import ENDING, FOLDER, golden, names, rendered

for path in FOLDER.glob(f"*{ENDING}"):
    if path.name.removesuffix(ENDING) not in names():
        path.unlink()
        print(f"{path.name}: removed")
for name in names():
    text = rendered(name)
    if not golden(name).exists() or golden(name).read_text() != text:
        golden(name).write_text(text)
        print(f"{golden(name).name}: written")

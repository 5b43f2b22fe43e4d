import subprocess
import sys
from pathlib import Path

import pytest

from citylib.conference.js import FOLDER, together

NODE = Path(sys.executable).with_name("node")


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return folder / f"{list(files)[-1]}.js"


def run(script):
    done = subprocess.run(
        [NODE, "--input-type=module", "-"], input=script, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_modules_keep_scopes_of_their_own(tmp_path):
    own = write(
        tmp_path,
        one="const NAME = 'one';\nexport const name = () => NAME;\n",
        two='import { name } from "./one.js";\nconst NAME = "two";\n'
        "export async function both() {\n  return name() + NAME;\n}\n",
        last='import { both } from "./two.js";\nimport { name } from "./one.js";\n'
        "const NAME = 'last';\nconsole.log(name(), await both(), NAME);\n",
    )
    assert run(together(own)) == "one onetwo last"


def test_what_is_not_understood_is_said(tmp_path):
    own = write(tmp_path, one="export { a };\n", two='import { a } from "./one.js";\n')
    with pytest.raises(ValueError, match=r"one\.js has 'export \{ a \};'"):
        together(own)
    own = write(
        tmp_path, one='import { b } from "./two.js";\n', two='import { a } from "./one.js";\n'
    )
    with pytest.raises(ValueError, match="imports itself"):
        together(own)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.js")), ids=lambda path: path.stem)
def test_each_module_of_the_pages_can_be_put_together(path, tmp_path):
    script = tmp_path / "script.mjs"
    script.write_text(together(path))
    subprocess.run([NODE, "--check", script], check=True, capture_output=True)

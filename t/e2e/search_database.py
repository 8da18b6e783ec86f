"""A PostgreSQL of its own for the search index (search.conninfo)."""

import subprocess

from stack import PROGRAM, PSQL, ROOT, Stack, as_account


def run(command):
    result = subprocess.run(as_account([str(word) for word in command]), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=120)
    assert result.returncode == 0, result.stdout
    return result.stdout


class SearchDatabase(Stack):
    """Of the stack nothing but PostgreSQL runs, and Stack.sql asks the index."""

    name = "newsfeed_search"

    def start(self):
        self.up("postgres")
        run([PSQL, "-Xq", "-v", f"database={self.name}", "-h", self.run, "-U", "postgres",
             "-f", ROOT / "sql" / "database.sql", "postgres"])
        run(["bash", ROOT / "sql" / "migrate", "--search", self.conninfo("newsfeed_owner")])
        return self

    def conninfo(self, user="newsfeed"):
        """Without spaces, as SETTINGS of contrib/stack has to be."""
        return f"postgresql:///{self.name}?host={self.run}&user={user}"

    def psql(self):
        return super().psql()[:-1] + [self.name]

    def reindex_command(self, stack, *arguments, **settings):
        """newsfeed reindex, of the owner of the tables of both."""
        settings = {"db.conninfo": f"postgresql:///newsfeed?host={stack.run}&user=newsfeed_owner",
                    "search.conninfo": self.conninfo("newsfeed_owner"), **settings}
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        return as_account([PROGRAM, *words, "reindex", *arguments])

    def reindex(self, stack, *arguments, code=0, **settings):
        result = subprocess.run(self.reindex_command(stack, *arguments, **settings),
                                capture_output=True, text=True, timeout=90)
        assert result.returncode == code, result.stdout + result.stderr
        return result.stdout if code == 0 else result.stderr

"""The Hugging Face Hub's cache on this machine, read without a network."""

from dataclasses import dataclass
from pathlib import Path

from attnviz.models.huggingface.packages import WEIGHTS


@dataclass(frozen=True)
class Cached:
    """A model in the cache: its name, its size as text, its branches, tags and commits, and its files."""

    name: str
    size: str
    revisions: tuple[str, ...]
    files: frozenset[str]

    @property
    def has_weights(self) -> bool:
        """Whether any of its files holds weights that can be loaded."""
        return any(file.endswith(WEIGHTS) for file in self.files)


def cached_models() -> list[Cached]:
    """All models in the cache, sorted by name; empty if there is no cache."""
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        return []
    return sorted(
        (
            Cached(
                repository.repo_id,
                repository.size_on_disk_str,
                tuple(name for state in repository.revisions for name in (*sorted(state.refs), state.commit_hash)),
                frozenset(file.file_name for state in repository.revisions for file in state.files),
            )
            for repository in repositories
            if repository.repo_type == "model"
        ),
        key=lambda model: model.name,
    )


def hub_folder(name: str) -> Path:
    """The folder of the cache that holds, or would hold, all revisions of a model of the Hub."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"))


def snapshot_folder(name: str, revision: str | None) -> Path | None:
    """The folder of the cache that holds one revision of a model of the Hub; None if it is not in the cache."""
    from huggingface_hub import try_to_load_from_cache

    files = (try_to_load_from_cache(name, file, revision=revision) for file in ("config.json", "adapter_config.json"))
    return next((Path(file).parent for file in files if isinstance(file, str)), None)


def commit(name: str, revision: str | None) -> str | None:
    """The commit of a loaded model of the Hub; it finds the same model again after its branch has changed."""
    folder = snapshot_folder(name, revision)
    return folder.name if folder else revision

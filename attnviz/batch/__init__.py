"""Many texts into many pictures, of which none is lost and none is drawn twice.

`jobs` says what there is to do, and `manifest` what was done; `drawing` draws, in processes of its own, and `spool`
keeps traces on disk that wait until a head was chosen.
"""

from attnviz.batch.drawing import Done, Drawing, draw_all, processes
from attnviz.batch.jobs import Job, find_files, folders, read_jobs
from attnviz.batch.manifest import ChosenHead, Line, Manifest, Settings
from attnviz.batch.spool import Spool

__all__ = [
    "ChosenHead",
    "Done",
    "Drawing",
    "Job",
    "Line",
    "Manifest",
    "Settings",
    "Spool",
    "draw_all",
    "find_files",
    "folders",
    "processes",
    "read_jobs",
]

"""Stop an image's build when anything but opencv-contrib-python writes the folder cv2."""

import sys
from importlib.metadata import packages_distributions

owners = sorted(set(packages_distributions().get("cv2", [])))
if owners != ["opencv-contrib-python"]:
    sys.exit(
        f"cv2 comes from {', '.join(owners) or 'nowhere'}, but must come from opencv-contrib-python alone: "
        "several wheels overwrite each other's files. Lock again with `make lock`."
    )

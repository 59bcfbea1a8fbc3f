"""The one-step generalization ratio, one route a file.

``predicted`` sees moments; ``measured`` and ``enumerated`` take real steps and read losses, and
import no moment or ratio code, or the check of the one against the other would be circular.
"""

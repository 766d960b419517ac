"""The program that the launcher of a Dataflow Flex Template starts, in the workers' image."""

import os
import sys

from pipeline.dataflow_template import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], image=os.environ["NEWSBEAM_IMAGE"]))

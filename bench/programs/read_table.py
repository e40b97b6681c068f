"""Times one call of another library that reads a CSV file; start and import are not counted.

    read_table.py polars FILE            polars.read_csv
    read_table.py pandas FILE            pandas.read_csv
    read_table.py pandas FILE OUTPUT     pandas.read_csv, then three columns to the CSV file OUTPUT: a prediction and two
                                         probabilities, which stand in for a model's

It prints JSON: seconds, rows, version.
"""

import json
import sys
import time


def main() -> None:
    library, file, *output = sys.argv[1:]
    if library == "polars":
        import polars

        start = time.perf_counter()
        frame = polars.read_csv(file)
        version = polars.__version__
    else:
        import numpy
        import pandas

        version = pandas.__version__
        start = time.perf_counter()
        frame = pandas.read_csv(file)
        if output:
            probability = 1 / (1 + numpy.exp(-frame["x1"] / 60))
            columns = {
                "prediction": numpy.where(probability > 0.5, "stays", "leaves"),
                "probability leaves": 1 - probability,
                "probability stays": probability,
            }
            pandas.DataFrame(columns).to_csv(output[0], index=False)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "rows": len(frame), "version": version}))


if __name__ == "__main__":
    main()

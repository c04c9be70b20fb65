"""Partitions: the dimensions they are declared by, sets of them as ranges, and what a partition reads of an upstream.

Only the standard library stands behind this package, so that an answer about a partitioned project starts fast.
"""

from headwater.assets.partitions.axis import KeyAxis as KeyAxis
from headwater.assets.partitions.axis import TimeAxis as TimeAxis
from headwater.assets.partitions.axis import Value as Value
from headwater.assets.partitions.dimensions import Dimension as Dimension
from headwater.assets.partitions.dimensions import Dimensions as Dimensions
from headwater.assets.partitions.dimensions import DynamicKeys as DynamicKeys
from headwater.assets.partitions.dimensions import StaticKeys as StaticKeys
from headwater.assets.partitions.dimensions import Windows as Windows
from headwater.assets.partitions.mappings import All as All
from headwater.assets.partitions.mappings import ByFunction as ByFunction
from headwater.assets.partitions.mappings import Identity as Identity
from headwater.assets.partitions.mappings import Latest as Latest
from headwater.assets.partitions.mappings import OneDimension as OneDimension
from headwater.assets.partitions.mappings import PartitionMapping as PartitionMapping
from headwater.assets.partitions.mappings import PerDimension as PerDimension
from headwater.assets.partitions.mappings import StaticMap as StaticMap
from headwater.assets.partitions.mappings import Window as Window
from headwater.assets.partitions.relate import Functions as Functions
from headwater.assets.partitions.relate import backward as backward
from headwater.assets.partitions.relate import forward as forward
from headwater.assets.partitions.relate import mapping_fault as mapping_fault
from headwater.assets.partitions.sets import Partition as Partition
from headwater.assets.partitions.sets import PartitionSet as PartitionSet
from headwater.assets.partitions.space import Space as Space

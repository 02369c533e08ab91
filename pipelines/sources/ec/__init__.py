"""Online shops: the kinds of connection of source `ec`."""

from pipelines.sources.connection import Connection
from pipelines.sources.ec.base import Base
from pipelines.sources.ec.ec_cube_api import EcCubeApi
from pipelines.sources.ec.ec_cube_csv import EcCubeCsv
from pipelines.sources.ec.ec_files import EcFiles
from pipelines.sources.ec.graphql import GraphqlShop
from pipelines.sources.ec.mapped_csv import MappedCsv
from pipelines.sources.ec.rest import RestShop
from pipelines.sources.ec.shopify import Shopify
from pipelines.sources.ec.shopify_csv import ShopifyCsv
from pipelines.sources.ec.woocommerce import WooCommerce

KINDS: dict[str, type[Connection]] = {
    "ec_cube_csv": EcCubeCsv,
    "ec_files": EcFiles,
    "mapped_csv": MappedCsv,
    "shopify_csv": ShopifyCsv,
    "base": Base,
    "ec_cube_api": EcCubeApi,
    "graphql": GraphqlShop,
    "rest": RestShop,
    "shopify": Shopify,
    "woocommerce": WooCommerce,
}

from django.urls import path

from viewer import views

urlpatterns = [
    path("", views.home, name="home"),
    path("projects/<slug:slug>/", views.project, name="project"),
    path("slides/<int:pk>/", views.slide, name="slide"),
    path("slides/<int:pk>/thumbnail/<slug:version>.jpg", views.thumbnail, name="thumbnail"),
    path("t/<int:slide_pk>/<slug:version>/<int:level>/<int:column>_<int:row>.jpg", views.tile, name="tile"),
]

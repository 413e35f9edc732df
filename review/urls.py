from django.urls import path

from review import views

urlpatterns = [
    path("projects/<slug:slug>/review/", views.review_list, name="review-list"),
    path("review/<int:pk>/", views.review, name="review"),
]
